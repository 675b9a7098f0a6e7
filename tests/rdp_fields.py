"""The fields of RDP's negotiation and data blocks as tshark tells them, in the words of wirescribe's rdp_sessions: for compare_tshark.py."""
import re

# Checks of compare_tshark.py, and the column of rdp_sessions that each compares.
COLUMNS = {
    "rdp requested": "requested_protocols", "rdp request flags": "request_flags", "rdp selected": "selected_protocol",
    "rdp confirm flags": "confirm_flags", "rdp failure": "negotiation_failure", "rdp correlation": "correlation_id",
    "rdp client version": "client_version", "rdp desktop width": "desktop_width", "rdp desktop height": "desktop_height",
    "rdp color depth": "color_depth", "rdp keyboard layout": "keyboard_layout", "rdp client build": "client_build",
    "rdp keyboard type": "keyboard_type", "rdp keyboard subtype": "keyboard_subtype", "rdp function keys": "keyboard_function_keys",
    "rdp ime file": "ime_file", "rdp serial number": "serial_number", "rdp supported depths": "supported_color_depths",
    "rdp early capabilities": "early_capabilities", "rdp product id": "product_id", "rdp connection type": "connection_type",
    "rdp client methods": "client_encryption_methods", "rdp cluster flags": "cluster_flags",
    "rdp redirected session": "redirected_session_id", "rdp monitors": "monitors", "rdp client multitransport": "client_multitransport",
    "rdp server version": "server_version", "rdp server multitransport": "server_multitransport", "rdp method": "encryption_method",
    "rdp level": "encryption_level",
}
CHECKS = tuple(COLUMNS) + ("rdp channels",)

PROTOCOLS = {1: "SSL", 2: "HYBRID", 4: "RDSTLS", 8: "HYBRID_EX", 16: "RDSAAD"}
FAILURES = {1: "SSL_REQUIRED_BY_SERVER", 2: "SSL_NOT_ALLOWED_BY_SERVER", 3: "SSL_CERT_NOT_ON_SERVER", 4: "INCONSISTENT_FLAGS",
            5: "HYBRID_REQUIRED_BY_SERVER", 6: "SSL_WITH_USER_AUTH_REQUIRED_BY_SERVER"}
REQUEST_FLAGS = {1: "RESTRICTED_ADMIN_MODE_REQUIRED", 2: "REDIRECTED_AUTHENTICATION_MODE_REQUIRED", 8: "CORRELATION_INFO_PRESENT"}
CONFIRM_FLAGS = {1: "EXTENDED_CLIENT_DATA_SUPPORTED", 2: "DYNVC_GFX_PROTOCOL_SUPPORTED", 4: "NEGRSP_FLAG_RESERVED",
                 8: "RESTRICTED_ADMIN_MODE_SUPPORTED", 16: "REDIRECTED_AUTHENTICATION_MODE_SUPPORTED"}
CAPABILITIES = {1: "SUPPORT_ERRINFO_PDU", 2: "WANT_32BPP_SESSION", 4: "SUPPORT_STATUSINFO_PDU", 8: "STRONG_ASYMMETRIC_KEYS",
                0x20: "VALID_CONNECTION_TYPE", 0x40: "SUPPORT_MONITOR_LAYOUT_PDU", 0x80: "SUPPORT_NETCHAR_AUTODETECT",
                0x100: "SUPPORT_DYNVC_GFX_PROTOCOL", 0x200: "SUPPORT_DYNAMIC_TIME_ZONE", 0x400: "SUPPORT_HEARTBEAT_PDU",
                0x800: "SUPPORT_SKIP_CHANNELJOIN"}
DEPTHS = {1: "24", 2: "16", 4: "15", 8: "32"}
METHODS = {1: "40bit", 2: "128bit", 8: "56bit", 16: "FIPS"}
LEVELS = {0: "none", 1: "low", 2: "client compatible", 3: "high", 4: "FIPS"}
CLUSTER = {1: "REDIRECTION_SUPPORTED", 2: "REDIRECTED_SESSIONID_FIELD_VALID", 0x40: "REDIRECTED_SMARTCARD"}
TRANSPORTS = {1: "UDPFECR", 4: "UDPFECL", 0x100: "UDP_PREFERRED", 0x200: "SOFTSYNC_TCP_TO_UDP"}
CONNECTIONS = {1: "modem", 2: "broadband low", 3: "satellite", 4: "broadband high", 5: "WAN", 6: "LAN", 7: "autodetect"}
KEYBOARDS = {1: "IBM PC/XT or compatible (83-key)", 2: 'Olivetti "ICO" (102-key)', 3: "IBM PC/AT (84-key) or similar",
             4: "IBM enhanced (101- or 102-key)", 5: "Nokia 1050 and similar", 6: "Nokia 9140 and similar", 7: "Japanese"}
LANGUAGES = {0x409: "English - United States", 0x407: "German - Germany", 0x40C: "French - France", 0x41E: "Thai"}
CODES = {0xCA00: 4, 0xCA01: 8, 0xCA02: 15, 0xCA03: 16, 0xCA04: 24}
BLOCKS = re.compile(r"rdp\.((client|server)\.\w+Data|unknownData\.\w+)$")


def flags(value, names):
    bits = [1 << place for place in range(32) if value >> place & 1]
    return ",".join(names.get(bit, f"0x{bit:x}") for bit in bits) or None


def number(text):
    return int(text, 0)


def little_endian(text):
    """Bytes as tshark writes them, '1b:00:00:00'."""
    return int.from_bytes(bytes.fromhex(text.replace(":", "")), "little")


def named(value, names):
    return names.get(value, f"0x{value:08x}")


def version(block):
    """tshark calls the lower half the major version."""
    low, high = number(block["rdp.version.major"]), number(block["rdp.version.minor"])
    names = {1: "RDP 4.0", 4: "RDP 5.0-8.1", **{5 + minor: f"RDP 10.{minor}" for minor in range(13)}}
    return names.get(low) if high == 8 and low in names else f"0x{high << 16 | low:08x}"


def layout(value):
    if value in LANGUAGES:
        return LANGUAGES[value]
    language = LANGUAGES.get(value & 0xFFFF)
    return f"{language} (0x{value:08x})" if language else f"0x{value:08x}"


def depth(block):
    found = CODES.get(number(block["rdp.colorDepth"]))
    found = CODES.get(number(block.get("rdp.postBeta2ColorDepth", "0")), found)
    high = number(block.get("rdp.highColorDepth", "0"))
    found = high if high in (4, 8, 15, 16, 24) else found
    return 32 if number(block.get("rdp.earlyCapabilityFlags", "0")) & 2 else found


def utf16(text):
    """Bytes as tshark writes them, up to their NUL."""
    return bytes.fromhex(text.replace(":", "")).decode("utf-16-le", "replace").split("\0")[0]


def cluster(value):
    text = flags(value & ~0x3C, CLUSTER)
    return f"{text},REDIRECTION_VERSION{(value >> 2 & 15) + 1}" if value & 1 else text


def put(items, check, value):
    """The first value counts, as in wirescribe's row."""
    if value not in (None, ""):
        items.setdefault(check, str(value))


def core(items, block):
    if "rdp.client.build" not in block:
        return
    put(items, "rdp client version", version(block))
    put(items, "rdp desktop width", number(block["rdp.desktop.width"]))
    put(items, "rdp desktop height", number(block["rdp.desktop.height"]))
    put(items, "rdp color depth", depth(block))
    put(items, "rdp keyboard layout", layout(number(block["rdp.keyboardLayout"])))
    put(items, "rdp client build", number(block["rdp.client.build"]))
    kind = number(block["rdp.keyboard.type"])
    put(items, "rdp keyboard type", KEYBOARDS.get(kind, kind))
    put(items, "rdp keyboard subtype", number(block["rdp.keyboard.subtype"]))
    put(items, "rdp function keys", number(block["rdp.keyboard.functionkey"]))
    put(items, "rdp ime file", utf16(block["rdp.imeFileName"]))
    capabilities = number(block.get("rdp.earlyCapabilityFlags", "0"))
    put(items, "rdp early capabilities", flags(capabilities, CAPABILITIES))
    put(items, "rdp product id", block.get("rdp.client.digProductId"))
    if "rdp.serialNumber" in block:
        put(items, "rdp serial number", number(block["rdp.serialNumber"]))
    if "rdp.supportedColorDepths" in block:
        put(items, "rdp supported depths", flags(number(block["rdp.supportedColorDepths"]), DEPTHS))
    if "rdp.connectionType" in block and capabilities & 0x20:
        kind = number(block["rdp.connectionType"])
        put(items, "rdp connection type", CONNECTIONS.get(kind, kind))


def monitors(pairs):
    """All of a block: each begins with its left edge."""
    found = []
    for name, value in pairs:
        if name.startswith("rdp.monitorDef.") and not isinstance(value, list):
            part = name.rsplit(".", 1)[1]
            if part == "left":
                found.append({})
            if found:
                found[-1][part] = number(value)
    signed = [{part: value - (1 << 32) if value >> 31 and part != "flags" else value for part, value in one.items()} for one in found]
    return ", ".join(f"{one['right'] - one['left'] + 1}x{one['bottom'] - one['top'] + 1}{one['left']:+d}{one['top']:+d}"
                     + (" primary" if one["flags"] & 1 else "") for one in signed if len(one) == 5)


def on_block(items, name, pairs, everything):
    block = dict(reversed([pair for pair in pairs if not isinstance(pair[1], list)]))
    if name == "rdp.client.coreData":
        core(items, block)
    elif name == "rdp.client.securityData" and "rdp.extEncryptionMethods" in block:
        methods = little_endian(block["rdp.encryptionMethods"]) or little_endian(block["rdp.extEncryptionMethods"])
        put(items, "rdp client methods", flags(methods, METHODS))
    elif name == "rdp.client.clusterData" and "rdp.clusterFlags" in block:
        put(items, "rdp cluster flags", cluster(number(block["rdp.clusterFlags"])))
        if number(block["rdp.clusterFlags"]) & 2:
            put(items, "rdp redirected session", number(block["rdp.redirectedSessionId"]))
    elif name == "rdp.client.monitorData":
        put(items, "rdp monitors", monitors(everything(pairs)))
    elif name in ("rdp.client.multiTransportData", "rdp.server.multiTransportData") and "rdp.multiTransportFlags" in block:
        put(items, f"rdp {name.split('.')[1]} multitransport", flags(number(block["rdp.multiTransportFlags"]), TRANSPORTS))
    elif name == "rdp.client.networkData" and "rdp channels" not in items:
        items["rdp channels"] = [value for field, value in everything(pairs) if field == "rdp.name"]
    elif name == "rdp.server.coreData" and "rdp.version.major" in block:
        put(items, "rdp server version", version(block))
    elif name == "rdp.server.securityData" and "rdp.encryptionLevel" in block:
        put(items, "rdp method", {**METHODS, 0: "none"}.get(number(block["rdp.encryptionMethod"])))
        put(items, "rdp level", LEVELS.get(number(block["rdp.encryptionLevel"])))


def negotiation(items, fields):
    if "rdp.negReq.requestedProtocols" in fields:
        requested = number(fields["rdp.negReq.requestedProtocols"])
        put(items, "rdp requested", flags(requested, PROTOCOLS) or "RDP")
        put(items, "rdp request flags", flags(number(fields["rdp.negReq.flags"]), REQUEST_FLAGS))
    if "rdp.negReq.selectedProtocol" in fields:
        selected = number(fields["rdp.negReq.selectedProtocol"])
        put(items, "rdp selected", named(selected, PROTOCOLS) if selected else None)
        put(items, "rdp confirm flags", flags(number(fields["rdp.negRsp.flags"]), CONFIRM_FLAGS))
    if "rdp.negFailure.failureCode" in fields:
        put(items, "rdp failure", named(number(fields["rdp.negFailure.failureCode"]), FAILURES))
    if "rdp.correlationInfo.correlationId" in fields:
        put(items, "rdp correlation", fields["rdp.correlationInfo.correlationId"].replace(":", ""))


def walk(items, pairs, everything):
    for name, value in pairs:
        if not isinstance(value, list):
            continue
        inner = [item for item in value if isinstance(item, tuple)]
        if BLOCKS.match(name):
            on_block(items, name, inner, everything)
        else:
            walk(items, inner, everything)


def gather(items, pairs, everything):
    """Adds what one layer rdp says to `items`; `everything` lists all (name, value) of a tree in order."""
    negotiation(items, dict(reversed(list(everything(pairs)))))
    walk(items, pairs, everything)


def of_row(row):
    """What wirescribe says, by the same checks. What each monitor measures, tshark does not tell apart from the others."""
    items = {check: None if row[column] is None else str(row[column]) for check, column in COLUMNS.items()}
    if items["rdp selected"] == "RDP":  # which tshark does not say of a server that answers without negotiating
        items["rdp selected"] = None
    if items["rdp monitors"]:
        items["rdp monitors"] = re.sub(r" \d+x\d+mm \d+° \d+%/\d+%", "", items["rdp monitors"])
    return items
