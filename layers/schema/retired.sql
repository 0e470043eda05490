-- What earlier versions made and no file makes any more. Applied last, so that nothing in force still needs
-- it; a removal of all tables applies it too. Who takes an object out of a file puts its removal here.

DROP FUNCTION IF EXISTS announce_change, count_cells, watch_layer,
    recount_alerts, recount_cases, recount_sites, recount_stays, recount_visits;
