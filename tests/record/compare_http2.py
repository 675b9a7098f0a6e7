"""Compares the rows of HTTP/2 with what its peers logged."""

COLUMNS = {"stream": "stream_id", "method": "method", "host": "host", "uri": "uri", "status": "status", "user_agent": "user_agent",
           "upgrade": "upgrade", "request_size": "request_size", "response_size": "response_size"}


def is_row_of(told, row, operation):
    """Whether the row says what the log says; of a capture that lacks bytes, or NULL."""
    for name, value in told.items():
        actual = row[COLUMNS[name]]
        if actual != value and (operation == "whole" or (actual is not None and not name.endswith("_size"))):
            return False
    return True


def requests(check, database, truth, operation):
    left = database.rows("SELECT * FROM http_requests ORDER BY flow_id, number")
    if operation == "whole":
        check.equal("number of requests", len(truth["requests"]), len(left))
    for told in truth["requests"]:
        fitting = [row for row in left if is_row_of(told, row, operation)]
        if fitting:
            left.remove(fitting[0])
        elif operation == "whole":
            check.fail(f"no row says {told}")
    for row in left:
        check.fail(f"a row that no log knows: {row['method']} {row['uri']} on stream {row['stream_id']}")


def websockets(check, database, truth, operation):
    rows = {(row["uri"], row["stream_id"]): row for row in database.rows("SELECT * FROM websocket_sessions")}
    if operation == "whole":
        check.equal("number of WebSockets", len(truth["websockets"]), len(rows))
    for told in truth["websockets"]:
        row = rows.get((told["uri"], told["stream"]))
        if row is None:
            if operation == "whole":
                check.fail(f"no WebSocket {told['uri']}")
            continue
        compare = check.equal if operation == "whole" else check.right_or_unknown
        for name in ("host", "origin", "user_agent", "status_code", "subprotocol", "extensions", "close_code", "close_reason"):
            compare(name, told[name], row[name])
        check.equal("accept_valid", None, row["accept_valid"])
        messages(check, database, told, row, operation)


def messages(check, database, told, row, operation):
    for side in ("client", "server"):
        seen = database.rows(f"SELECT * FROM websocket_messages WHERE flow_id = {row['flow_id']} AND stream_id = {row['stream_id']} "
                             f"AND from_side = '{side}' ORDER BY number")
        said = [message for message in told["messages"] if message["from"] == side]
        # a message is logged at its end, and numbered by its begin
        said.sort(key=lambda message: message["opcode"] in ("close", "ping", "pong"))
        seen.sort(key=lambda message: message["opcode"] in ("close", "ping", "pong"))
        if operation != "whole":
            continue
        check.equal(f"number of the {side}'s messages", len(said), len(seen))
        for message, found in zip(said, seen):
            for name in ("opcode", "size", "fragments"):
                check.equal(f"{name} of a message of the {side}", message[name], found[name])
            check.right_or_unknown(f"SHA-256 of a message of the {side}", message["sha256"], found["sha256"])


def compare(check, database, truth, operation, side):
    requests(check, database, truth, "whole" if operation == "reordered" else operation)
    websockets(check, database, truth, "whole" if operation == "reordered" else operation)
