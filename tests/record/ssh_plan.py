"""What a batch of SSH sessions is to do, drawn from a seed: who speaks to whom, how it logs in, what it does, over which path."""
import random

# behaviour: (weight, clients that can)
EVERY = ("openssh", "openssh75", "dbclient", "plink", "paramiko", "asyncssh", "libssh")
OPENSSH = ("openssh", "openssh75")
BEHAVIOURS = {
    "shell": (16, ("openssh", "openssh75", "dbclient", "plink", "openssh", "paramiko", "asyncssh")),
    "shell_fullscreen": (2, ("openssh", "openssh75", "dbclient", "plink")),
    "shell_forward": (2, ("openssh", "openssh75", "plink")),
    "command_terminal": (2, ("openssh", "openssh75", "dbclient", "plink")),
    "shell_script": (2, ("openssh", "openssh75", "dbclient", "plink")),
    "command": (8, EVERY),
    "command_large": (4, EVERY),
    "command_stdin": (2, ("openssh", "openssh75", "dbclient", "plink")),
    "sftp_put": (4, ("openssh", "plink", "openssh75", "paramiko", "asyncssh", "libssh")),
    "sftp_get": (4, ("openssh", "plink", "openssh75", "paramiko", "asyncssh", "libssh")),
    "sftp_list": (2, ("openssh", "plink", "openssh75", "paramiko", "asyncssh")),
    "sftp_several": (3, ("openssh", "plink", "openssh75", "paramiko", "asyncssh")),
    "sftp_typed": (2, ("openssh", "openssh75", "plink")),
    "scp_old_up": (4, ("openssh", "openssh75", "plink", "dbclient", "asyncssh")),
    "scp_old_down": (4, ("openssh", "openssh75", "plink", "dbclient", "asyncssh")),
    "scp_several_up": (2, ("openssh", "openssh75", "plink")),
    "scp_several_down": (1, ("openssh", "openssh75", "plink")),
    "scp_new_up": (2, ("openssh", "plink")),
    "scp_new_down": (2, ("openssh", "plink")),
    "local_forward": (3, ("openssh", "openssh75", "dbclient", "plink")),
    "dynamic_forward": (2, ("openssh", "openssh75", "plink")),
    "remote_forward": (3, ("openssh", "openssh75", "dbclient", "plink")),
    "stdio_forward": (2, ("openssh", "openssh75", "dbclient", "plink")),
    "reverse_shell": (2, OPENSSH),
    "no_command": (3, ("openssh", "openssh75", "dbclient", "plink")),
    "keepalive": (2, OPENSSH),
    "x11": (1, OPENSSH),
    "rsync_up": (2, OPENSSH),
    "rsync_down": (2, OPENSSH),
    "git_clone": (2, OPENSSH),
    "git_push": (2, OPENSSH),
    "multiplexed": (2, OPENSSH),
    "scan_banner": (2, ("raw",)),
    "scan_silent": (1, ("raw",)),
    "scan_kex": (2, ("keyscan", "paramiko")),
    "scan_methods": (2, ("openssh", "paramiko", "openssh75")),
    "failed_password": (5, EVERY),
    "failed_key": (4, EVERY),
    "failed_interactive": (2, OPENSSH + ("plink",)),
    "gives_up": (2, ("openssh", "openssh75", "plink")),
    "brute_one": (2, ("paramiko", "openssh")),
    "brute_many": (0.4, ("paramiko",)),
}
FAILING = ("failed_password", "failed_key", "failed_interactive", "gives_up", "brute_one", "brute_many")
WITHOUT_LOGIN = ("scan_banner", "scan_silent", "scan_kex", "scan_methods")
UP = ("command_stdin", "sftp_put", "scp_old_up", "scp_new_up", "rsync_up", "git_push")

CIPHERS = {
    "openssh": ("chacha20-poly1305@openssh.com", "chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr",
                "aes192-ctr", "aes256-ctr", "aes128-cbc", "aes256-cbc", None, None),
    "dbclient": ("chacha20-poly1305@openssh.com", "aes128-ctr", "aes256-ctr", None),
    "plink": ("chacha20", "aesgcm", "aes", None),
    "paramiko": ("aes128-ctr", "aes256-ctr", "aes128-cbc", None),
    "asyncssh": ("chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes256-cbc", None),
    "libssh": ("chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com", "aes256-ctr", "aes128-cbc", None),
}
MACS = {
    "openssh": ("umac-64@openssh.com", "umac-128@openssh.com", "hmac-sha1", "hmac-sha2-256", "hmac-sha2-512", "umac-64-etm@openssh.com",
                "hmac-sha1-etm@openssh.com", "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com"),
    "dbclient": ("hmac-sha1", "hmac-sha2-256"),
    "plink": (None,),
    "paramiko": ("hmac-sha2-256", "hmac-sha2-512", "hmac-sha2-256-etm@openssh.com", "hmac-sha1"),
    "asyncssh": ("hmac-sha2-256", "hmac-sha2-512-etm@openssh.com", "umac-64@openssh.com", "hmac-sha1"),
    "libssh": (None,),
}
# Who may log in, and with what: names and passwords of different lengths.
PASSWORDS = {"alice": "correct horse", "bo": "x7Qm!2", "administrator": "Tr0ub4dor-3-and-a-tail-of-many-words", "deploy": "hunter22hunter22hunter22",
             "j.mueller": "sunshine"}
WRONG = ("not the password", "letmein", "hunter2", "Correct horse", "123456", "correct-horse-1", "a", "this is a very long guess that is wrong all the same",
         "P@ssw0rd2023!")
STRANGERS = ("oracle", "admin", "test", "ubuntu", "nagios-monitoring", "pi")
SCRIPTED_ONLY = ("paramiko", "asyncssh", "libssh")


class Plan:
    """One session: what is wanted. `seed` makes all that it leaves to chance."""

    def __init__(self, number, behaviour, client, rng):
        self.number, self.behaviour, self.client = number, behaviour, client
        self.seed = rng.getrandbits(32)
        self.rng = random.Random(self.seed)
        self.client_address, self.server_address = f"10.78.2.{number}", f"10.78.1.{number}"
        self.family = "openssh" if client in OPENSSH else client
        self.draw_server()
        self.draw_ciphers()
        self.draw_login()
        self.draw_path()
        self.size = self.draw_size()
        self.rekey = self.rekey_by = None
        self.keepalive = self.rng.choice(("client", "server")) if behaviour == "keepalive" else None

    def draw_server(self):
        rng = self.rng
        self.server = "openssh"
        dropbear_can = self.behaviour not in ("stdio_forward", "x11", "keepalive", "failed_interactive", "git_clone")
        if self.client in ("openssh", "plink", "dbclient") and dropbear_can and rng.random() < 0.2:
            self.server = "dropbear"
        if self.client == "openssh" and self.behaviour in ("shell", "command", "failed_key") and rng.random() < 0.12:
            self.server = "tinysshd"
        self.pam = self.server == "openssh" and (rng.random() < 0.4 or self.behaviour == "failed_interactive")
        self.banner = self.server == "openssh" and rng.random() < 0.15
        self.message_of_the_day = rng.random() < 0.5

    def draw_ciphers(self):
        rng = self.rng
        self.cipher = self.mac = None
        if self.family in CIPHERS and self.server != "tinysshd":
            self.cipher = rng.choice(CIPHERS[self.family])
            self.mac = rng.choice(MACS[self.family])
            if self.server == "dropbear" and self.family == "openssh":
                self.cipher = rng.choice(("chacha20-poly1305@openssh.com", "aes128-ctr", "aes256-ctr"))
                self.mac = rng.choice(("hmac-sha1", "hmac-sha2-256"))
        self.compression = self.family in ("openssh", "plink") and self.server != "tinysshd" and rng.random() < 0.15

    def draw_login(self):
        rng, kind = self.rng, self.behaviour
        self.interactive_client = self.client not in SCRIPTED_ONLY + ("raw", "keyscan")
        methods = ["publickey"] * 4 + ["password"] * 5
        if self.client in OPENSSH and self.server == "openssh":
            methods += ["certificate", "both", "none"] + ["keyboard-interactive"] * 2
        if self.client == "plink" and self.server == "openssh":
            methods += ["keyboard-interactive"]
        if self.client in ("paramiko", "libssh") and self.server == "openssh":
            methods += ["keyboard-interactive"]
        self.method = rng.choice(methods)
        if self.server == "tinysshd":
            self.method = "publickey"
        if kind in ("failed_password", "brute_one", "brute_many", "gives_up"):
            self.method = "password"
        if kind == "failed_key":
            self.method = "publickey"
        if kind == "failed_interactive":
            self.method = "keyboard-interactive"
        if self.method in ("keyboard-interactive",):
            self.pam = True
        self.user = "carol" if self.method == "none" else rng.choice(list(PASSWORDS))
        self.key_kind = "ed25519" if self.server == "tinysshd" else rng.choice(("rsa", "ecdsa", "ed25519", "ed25519"))
        self.refused_keys = rng.choice((0, 0, 0, 1, 1, 2, 3)) if self.client not in SCRIPTED_ONLY + ("plink",) else 0
        if self.method == "none" or kind in ("gives_up", "brute_one", "brute_many"):
            self.refused_keys = 0
        if kind == "failed_key":
            self.refused_keys = rng.choice((1, 1, 2, 3)) if self.client not in SCRIPTED_ONLY + ("plink",) else 1
        self.typed = self.interactive_client and rng.random() < 0.6
        if kind in ("gives_up", "sftp_typed"):
            self.typed = True
        if kind.startswith(("rsync", "git", "command_stdin", "shell_script", "brute", "scan")):
            self.typed = False
        self.wrong = rng.choice((0, 0, 0, 0, 1, 1, 2)) if self.method in ("password", "keyboard-interactive", "both") else 0
        if self.client == "plink" and not self.typed:
            self.wrong = 0
        if self.client == "dbclient" and not self.typed:
            self.wrong = 0
        self.unknown_user = kind in FAILING and rng.random() < 0.4
        if self.server == "tinysshd":
            self.user = "alice"
        if self.client == "openssh75" and self.method == "certificate" and self.key_kind == "rsa":
            self.key_kind = "ecdsa"  # it would sign with SHA-1, which no server takes any longer
        if self.unknown_user:
            self.user = rng.choice(STRANGERS)
        self.sends_locale = self.client in OPENSSH and rng.random() < 0.5
        self.host = rng.choice(("known", "known", "known", "asks")) if self.typed else "known"
        self.agent = self.client == "openssh" and self.server == "openssh" and kind in ("shell", "command", "no_command") and rng.random() < 0.2

    def draw_path(self):
        rng = self.rng
        far = rng.choice((0.0005, 0.0005, 0.004, 0.01, 0.02, 0.04))
        near = rng.choice((0.0002, 0.0005, 0.002, 0.01, 0.03))
        lossy = rng.random() < 0.12
        self.path = {"before": near, "after": far, "jitter": rng.choice((0, 0, 0.001, 0.004, 0.01)),
                     "loss_before": 0.015 if lossy and rng.random() < 0.5 else 0, "loss_after": 0.015 if lossy else 0}
        self.taken_away = rng.choice((0,) * 16 + (0.005, 0.02, 0.05))

    def draw_size(self):
        rng = self.rng
        return int(rng.choice((rng.uniform(1000, 6000), rng.uniform(4000, 20000), rng.uniform(15000, 60000), rng.uniform(30000, 150000))))

    def __repr__(self):
        return f"{self.number:02} {self.behaviour} {self.client}->{self.server} {self.method}"


def draw(seed, count, only=None, largest=None):
    """The plans of a batch; every behaviour's chance is its weight, and none comes twice before most have come."""
    rng = random.Random(seed)
    names = [name for name in BEHAVIOURS if not only or name in only]
    weights = {name: BEHAVIOURS[name][0] for name in names}
    plans = []
    for number in range(1, count + 1):
        name = rng.choices(names, [weights[one] for one in names])[0]
        weights[name] *= 0.75 if name == "shell" else 0.5
        plans.append(Plan(number, name, rng.choice(BEHAVIOURS[name][1]), rng))
        if largest:
            plans[-1].size = min(plans[-1].size, largest)
    if rng.random() < 0.5 and plans and not largest:
        grown = [plan for plan in plans if plan.behaviour in UP + ("sftp_get", "scp_old_down", "scp_new_down", "rsync_down", "command_large")]
        if grown:
            rng.choice(grown).size = int(rng.uniform(200000, 500000))
    for plan in plans:
        may_rekey = plan.client in OPENSSH and plan.behaviour in UP + ("sftp_get", "scp_old_down", "command_large", "local_forward")
        if may_rekey and plan.rng.random() < 0.35:
            plan.rekey, plan.rekey_by = plan.rng.choice((16, 32, 64)), plan.rng.choice(("client", "client", "server"))  # KB
            plan.size = max(plan.size, plan.rng.randrange(40000, 120000))
    return plans
