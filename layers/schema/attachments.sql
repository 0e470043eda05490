-- Rows of attachments follow from the steps of the chain: attach adds one, take_back hides it; nothing is deleted.
-- Called by: the trigger of case_events. grid/cases/attachments.py takes the steps.

CREATE OR REPLACE FUNCTION keep_attachment() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    told constant jsonb := NEW.payload;
BEGIN
    IF NEW.action = 'attach' THEN
        INSERT INTO attachments (case_id, event_seq, name, kind, media_type, size_bytes, sha256, width, height, taken_at,
                                 distance_m, exif_faults, added_at, added_by)
        VALUES (NEW.case_id, NEW.seq, told ->> 'name', told ->> 'kind', told ->> 'media_type',
                (told ->> 'size_bytes')::bigint, told ->> 'sha256', (told ->> 'width')::bigint, (told ->> 'height')::bigint,
                (told ->> 'taken_at')::timestamptz, (told ->> 'distance_m')::bigint,
                ARRAY(SELECT jsonb_array_elements_text(COALESCE(told -> 'exif_faults', '[]'))), NEW.at, NEW.actor);
    ELSE
        UPDATE attachments SET taken_back_at = NEW.at, taken_back_by = NEW.actor, taken_back_reason = told ->> 'note'
        WHERE case_id = NEW.case_id AND sha256 = told ->> 'sha256' AND taken_back_at IS NULL;
    END IF;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION keep_attachment() FROM PUBLIC;
CREATE OR REPLACE TRIGGER case_events_attachment AFTER INSERT ON case_events
    FOR EACH ROW WHEN (NEW.action IN ('attach', 'take_back')) EXECUTE FUNCTION keep_attachment();
CREATE OR REPLACE TRIGGER attachments_stay BEFORE DELETE OR TRUNCATE ON attachments
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
