-- The evidence card of one alert. Row-level security leaves out what the caller may not see.
SELECT a.id, a.kind, a.level, a.score, a.status, a.outcome, a.joined_to,
       to_char(timezone('UTC', COALESCE(a.opened_at, a.raised_at)), 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS opened_at,
       to_char(timezone('UTC', a.raised_at), 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS raised_at,
       r.window_from, a.evidence, a.would_lower, a.would_settle, a.site_id AS site_key, a.fence_id AS fence_key,
       (SELECT c.number FROM cases c JOIN alerts o ON o.id = c.alert_id
        WHERE a.id IN (o.id, o.joined_to) ORDER BY c.opened_at DESC, c.id DESC LIMIT 1) AS case_number,
       json_build_object('model', r.model, 'version', r.version, 'run_id', r.id, 'at', r.at, 'parameters', r.parameters)
           AS run,
       CASE WHEN s.id IS NOT NULL THEN json_build_object('site_id', s.site_id, 'kind', s.kind, 'area_id', s.area_id,
                         'geometry', ST_AsGeoJSON(s.geom, 7)::json,
                         'boundary', ST_AsGeoJSON(s.boundary, 7)::json) END AS site,
       CASE WHEN e.id IS NOT NULL THEN json_build_object('uscc', e.uscc, 'name', e.name, 'industry', e.industry, 'hazard', e.hazard,
                         'status', e.status, 'status_since', e.status_since) END AS enterprise,
       CASE WHEN f.id IS NOT NULL THEN json_build_object('fence_id', f.fence_id, 'name', f.name, 'rule', f.rule,
                         'medium', f.medium, 'legal_basis', f.legal_basis, 'area_id', a.area_id,
                         'exempt', COALESCE(cardinality(f.exempt_vehicle_ids), 0),
                         'geometry', ST_AsGeoJSON(a.geom, 7)::json, 'boundary', ST_AsGeoJSON(f.geom, 7)::json) END AS fence,
       COALESCE((SELECT json_agg(json_build_object('kind', n.kind, 'valid_from', n.valid_from, 'valid_to', n.valid_to)
                                 ORDER BY n.valid_from)
                 FROM notices n WHERE n.site_id = a.site_id), '[]'::json) AS notices,
       COALESCE((SELECT json_agg(json_build_object('licence_kind', l.licence_kind, 'number', l.number,
                                                   'valid_from', l.valid_from, 'valid_to', l.valid_to, 'note', l.note,
                                                   'of_site', l.site_id IS NOT NULL)
                                 ORDER BY l.valid_from, l.number)
                 FROM licences l WHERE l.enterprise_id = e.id AND (l.site_id IS NULL OR l.site_id = a.site_id)),
                '[]'::json) AS licences
FROM alerts a
JOIN model_runs r ON r.id = a.run_id
LEFT JOIN sites s ON s.id = a.site_id
LEFT JOIN enterprises e ON e.id = s.enterprise_id
LEFT JOIN fences f ON f.id = a.fence_id
WHERE a.id = :alert_id
