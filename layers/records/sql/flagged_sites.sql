-- Sites and fences with an open alert of some levels, and the newest case of the alert. Read by ``layers.records.alerts``.
SELECT s.site_id, f.fence_id, e.uscc, a.kind, a.level, a.score, a.evidence, c.number AS case_number, c.lead_body, c.co_handlers, c.due_at,
       g.code AS grid_code, m.name AS community, t.name AS town, y.name AS county
FROM alerts a
LEFT JOIN sites s ON s.id = a.site_id
LEFT JOIN enterprises e ON e.id = s.enterprise_id
LEFT JOIN fences f ON f.id = a.fence_id
LEFT JOIN LATERAL (
    SELECT c.* FROM cases c JOIN alerts o ON o.id = c.alert_id
    WHERE a.id IN (o.id, o.joined_to) ORDER BY c.opened_at DESC, c.id DESC LIMIT 1
) c ON true
LEFT JOIN areas g ON g.id = c.grid_area_id
LEFT JOIN areas m ON m.id = c.community_area_id
LEFT JOIN areas t ON t.id = c.town_area_id
LEFT JOIN areas y ON y.id = c.county_area_id
WHERE a.level = ANY (:levels) AND a.status = 'open'
ORDER BY a.score DESC, s.site_id, f.fence_id
