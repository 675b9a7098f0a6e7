"""What the views must say of a recorded case of protocols inside WebSocket; truth_websocket_inner.py made its truth."""


def websocket_inner(check, database, truth, operation, side):
    rows = database.rows("SELECT * FROM websocket_sessions ORDER BY start_us, flow_id")
    check.equal("WebSockets", len(truth["sessions"]), len(rows))
    for number, (session, row) in enumerate(zip(truth["sessions"], rows), 1):
        check.equal(f"protocol inside WebSocket {number}", session["protocol"], row["inner_protocol"])
        check.equal(f"client inside WebSocket {number}", session["client"], row["inner_client"])
        told = row
        if session.get("view"):
            inside = database.rows(f"SELECT * FROM {session['view']} WHERE flow_id = {row['flow_id']}")
            check.equal(f"rows of {session['view']} inside WebSocket {number}", 1, len(inside))
            told = inside[0] if inside else {}
        for column, value in session["said"].items():
            check.equal(f"{column} inside WebSocket {number}", value, None if told.get(column) is None else str(told[column]))
