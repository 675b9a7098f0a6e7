"""What the views of RDP must say of a recorded case; used by compare_protocols.py.

What the client sends beside what its user did, such as the state of the lock keys when its window gets the
focus, no log tells: where it adds to a count, there is room for it.
"""

# Key events that a client makes up by itself: a released Tab at each focus (xfreerdp), modifiers (rdesktop).
OWN_KEYS = 24


def seen_sides(truth, operation, side):
    """The sides whose part of the connection sequence was captured: (client, server)."""
    if operation == "one_side":
        return side == "client", side == "server"
    if operation == "gap":  # the server's second segment is its MCS connect response
        return True, truth["operation"]["segments_before"] > 1
    return True, True


def login_alone(check, session, row, seen):
    """How an NLA login ended, which takes both sides to tell."""
    check.equal("cookie", session["cookie"] if seen[0] else None, row["cookie"])
    check.equal("auth_result", session["auth_result"] if all(seen) else None, row["auth_result"])


def connection(check, database, session, row, seen):
    """The connection sequence: it is in the clear without TLS."""
    client_seen, server_seen = seen
    cookie = session["cookie"] or (session["routing_token"] or "").removeprefix("Cookie: ") or None
    check.equal("cookie", cookie if client_seen else None, row["cookie"])
    negotiation(check, session, row, client_seen, server_seen)
    client_data(check, session, row, client_seen)
    if session["clear"] and server_seen:
        check.equal("encryption_method", METHODS[session["encryption_method"]], row["encryption_method"])
        if session["server_software"] == "xrdp":  # FreeRDP logs neither
            check.equal("encryption_level", LEVELS[session["encryption_level"]], row["encryption_level"])
            check.equal("certificate_type", session["certificate_type"], row["certificate_type"])
    # Static channels alone: the dynamic ones, opened in one of them, were not asked for by the client.
    rows = database.rows(f"SELECT * FROM rdp_channels WHERE flow_id = {row['flow_id']} AND kind = 'static' ORDER BY channel_id, name")
    channels(check, session, rows, client_seen, server_seen)


# The names of [MS-RDPBCGR] for the numbers that the logs tell.
PROTOCOLS = {0: "RDP", 1: "SSL", 2: "HYBRID", 3: "SSL,HYBRID"}
FAILURES = {1: "SSL_REQUIRED_BY_SERVER"}
METHODS = {0: "none", 1: "40bit", 2: "128bit", 8: "56bit", 16: "FIPS"}
LEVELS = {0: "none", 1: "low", 2: "client compatible", 3: "high", 4: "FIPS"}
LAYOUTS = {0x0407: "German - Germany", 0x0409: "English - United States", 0x040C: "French - France"}
KEYBOARDS = {4: "IBM enhanced (101- or 102-key)"}


def negotiation(check, session, row, client_seen, server_seen):
    if client_seen and session["requested_protocols"]:
        check.equal("requested_protocols", PROTOCOLS[session["requested_protocols"]], row["requested_protocols"])
    if server_seen and session["selected_protocol"] is not None:
        check.equal("selected_protocol", PROTOCOLS[session["selected_protocol"]], row["selected_protocol"])
    failure = FAILURES.get(session["negotiation_failure"]) if server_seen else None
    check.equal("negotiation_failure", failure, row["negotiation_failure"])


def client_data(check, session, row, client_seen):
    """Under TLS none of it can be known, and nothing may be told."""
    visible = session["clear"] and client_seen
    for column in ("client_name", "client_build", "desktop_width", "desktop_height"):
        check.equal(column, session[column] if visible else None, row[column])
    if not visible or session["keyboard_layout"] is not None:
        check.equal("keyboard_layout", LAYOUTS[session["keyboard_layout"]] if visible else None, row["keyboard_layout"])
        check.equal("keyboard_type", KEYBOARDS[session["keyboard_type"]] if visible else None, row["keyboard_type"])
    check.equal("color_depth", session["color_depth"] if visible else None, row["color_depth"])
    names = ",".join(channel["name"] for channel in session["channels"])
    check.equal("channels", names if visible else None, row["channels"])


def channels(check, session, rows, client_seen, server_seen):
    if not session["clear"]:
        check.equal("channels under TLS", [], rows)
        return
    if not client_seen:
        return
    expected = session["channels"]
    check.equal("channels", sorted(channel["name"] for channel in expected), sorted(row["name"] for row in rows))
    by_name = {row["name"]: row for row in rows}
    for channel in expected:
        row = by_name.get(channel["name"], {})
        if not server_seen or channel["id"] is not None:
            check.equal(f"channel_id of {channel['name']}", channel["id"] if server_seen else None, row.get("channel_id"))


# ------------------------------------------------------------------ behind the connection sequence

def content(check, database, truth, pairs):
    """What the session was for, where it can be read; where it cannot, nothing may be told."""
    done = truth["done"]
    for session, row in pairs:
        login(check, database, session, row)
    readable = [row for session, row in pairs if session["readable"] == ["client", "server"]]
    if len(readable) < len(pairs):
        for session, row in pairs:
            if "client" not in session["readable"]:
                check.equal("key_events of an encrypted side", None, row["key_events"])
        return
    totals = {name: sum(row.get(name) or 0 for row in readable)
              for name in ("key_events", "mouse_events", "wheel_events", "screen_updates", "desktop_resizes")}
    typed = done["input"]["key_presses"] + done["input"]["key_releases"]
    if not typed <= totals["key_events"] <= typed + OWN_KEYS:
        check.fail(f"key_events: {totals['key_events']}, not {typed} and some of the client's own")
    turned, clicked = done["input"]["wheel"], 2 * done["input"]["buttons"]
    check.equal("wheel_events", turned, totals["wheel_events"])
    if totals["mouse_events"] < turned + clicked:
        check.fail(f"mouse_events: {totals['mouse_events']}, fewer than {turned} and {clicked}")
    unread = database.rows("SELECT detail FROM rdp_events WHERE kind = 'compression_unread'")  # by a method that is not expanded: said so
    if not totals["screen_updates"] and not unread:
        check.fail("no screen_updates")
    check.equal("desktop_resizes", 1 if done["resized"] else 0, totals["desktop_resizes"])
    events(check, database, done)
    recorded_on_demand(check, database, done)


def login(check, database, session, row):
    if "client" in session["readable"]:
        for column, name in (("user", "user"), ("domain", "domain"), ("working_directory", "directory")):
            check.equal(column, session[name] if session["logins"] or session["user"] else row.get(column), row.get(column))
    if session["logins"]:
        check.right_or_unknown("auth_result", session["logins"][-1], row["auth_result"])
    if session["clear"] and session["disconnect_reason"]:
        check.equal("disconnect_reason", session["disconnect_reason"], row["disconnect_reason"])
    check.equal("password without --passwords", None, row.get("password"))
    check.one_of("server_software", (session["server_software"], None), row["server_software"])


def events(check, database, done):
    told = database.rows("SELECT kind, detail, from_side FROM rdp_events ORDER BY time_us")

    def is_told(kind, side, *parts):
        return any(row["kind"].startswith(kind) and row["from_side"] == side
                   and all(part in (row["detail"] or "") for part in parts) for row in told)

    if done["resized"] and not is_told("desktop_resized", "server", done["resized"]):
        check.fail(f"no event tells that the desktop became {done['resized']}")
    for text in done["clipboard"]:
        if not is_told("clipboard", text["from"], text["text"].replace("\n", "\r\n")) and not is_told("clipboard", text["from"], text["text"]):
            check.fail(f"no event tells what the {text['from']} copied: {text['text']!r}")
    for drive in done["drives"]:
        if not is_told("devices", "client", f"drive {drive}"):
            check.fail(f"no event tells of the drive {drive}")
    for file in done["files"]:
        if not any(file["name"] in (row["detail"] or "") and str(file["bytes"]) in row["detail"] for row in told):
            check.fail(f"no event tells of {file['name']} and its {file['bytes']} bytes")
    if [row for row in told if row["kind"] == "keystrokes"]:
        check.fail("keystrokes without --keystrokes")


def recorded_on_demand(check, database, done):
    """What was typed, line by line, in the order of the scancodes; nothing of it without the option."""
    if not done["typed"]:
        return
    again = database.read_again("--keystrokes")
    keystrokes = "".join(row["detail"] or "" for row in again.rows(
        "SELECT detail FROM rdp_events WHERE kind = 'keystrokes' ORDER BY time_us"))
    for line in done["typed"]:
        if line not in keystrokes:
            check.fail(f"keystrokes lack {line!r}: {keystrokes!r}")
