"""Lists cases, reads one, assigns a point and sends a fix by a generated client.

Prints what it made of the answers.

``python example.py ADDRESS KEY VEHICLE TIME``, with the folder of the client in PYTHONPATH.
"""

from __future__ import annotations

import io
import json
import sys

from wangge_client import AuthenticatedClient
from wangge_client.api.assign import assign_point
from wangge_client.api.cases import get_case, list_cases
from wangge_client.api.tracks import post_fixes
from wangge_client.models import AssignBody, CasePropertiesState, ListCasesStateItem
from wangge_client.types import File


def main(address: str, key: str, vehicle: str, time: str) -> None:
    client = AuthenticatedClient(base_url=address, token=key, raise_on_unexpected_status=True)
    page = list_cases.sync(client=client, state=[ListCasesStateItem.REPORTED])
    numbers = [feature.properties.number for feature in page.features]
    case = get_case.sync(numbers[0], client=client)
    missing = get_case.sync("NT-0", client=client)
    assigned = assign_point.sync(client=client, body=AssignBody(lon=120.1, lat=31.2, item_code="ECO-001"))
    fix = {"vehicle_id": vehicle, "t": time, "lon": 120.1, "lat": 31.2}
    batch = File(payload=io.BytesIO(json.dumps(fix).encode() + b"\n"))
    report = post_fixes.sync(client=client, body=batch, crs="wgs84")
    told = {
        "numbers": numbers,
        "returned": page.number_returned,
        "reported": page.features[0].properties.state is CasePropertiesState.REPORTED,
        "case": [
            case.number,
            case.title,
            case.opened_at.isoformat(),
            len(case.events),
            case.geometry.coordinates,
        ],
        "missing": [missing.status, missing.type_],
        "assigned": [assigned.outcome, assigned.areas.unit_grid.code, assigned.lead.body],
        "report": [
            report.accepted,
            report.duplicate,
            report.rejected,
            report.unregistered_vehicles.vehicle_ids,
        ],
    }
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
