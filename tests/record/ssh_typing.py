"""What a person types into a shell, key by key, in a person's time."""
import time

PROMPT = r"\$ $"


class Step:
    """Keys to press, and what must be seen before the next step (None: the session ends here)."""

    def __init__(self, keys, expects=PROMPT):
        self.keys, self.expects = list(keys), expects


LINES = ("ls", "ls -l", "pwd", "id", "uname -a", "date", "cat notes.txt", "echo hello world", "df -h", "who", "ps", "cd /tmp", "cd", "ls /usr | head",
         "head -c 4000 /usr/share/common-licenses/GPL-3", "wc -l notes.txt", "uptime", "env | head -3", "for i in 1 2 3; do echo $i; done", "cat /etc/hostname",
         "find ~ -name notes.txt", "grep -c fox notes.txt")


def mistyped(rng, line):
    """The line with one wrong key, rubbed out again."""
    place = rng.randrange(1, len(line))
    return list(line[:place]) + [rng.choice("qwxz"), "\x7f"] + list(line[place:])


def session(rng, server):
    """The steps of one visit. tinysshd's shell is the same bash; `server` leaves room for others."""
    steps = []
    last = None
    for _ in range(rng.choice((1, 2, 3, 3, 4, 5, 6))):
        draw = rng.random()
        if draw < 0.12 and last:
            steps.append(Step(["\x1b[A", "\r"]))
        elif draw < 0.24:
            steps.append(Step(mistyped(rng, rng.choice(LINES)) + ["\r"]))
        elif draw < 0.34:
            steps.append(Step(list("cat ~/no") + ["\t", "\r"]))
        elif draw < 0.46:
            steps += hidden(rng)
        elif draw < 0.54:
            steps += into_cat(rng)
        else:
            last = rng.choice(LINES)
            steps.append(Step(list(last) + ["\r"]))
    steps.append(Step(list("exit") + ["\r"], None) if rng.random() < 0.7 else Step(["\x04"], None))
    return steps


def hidden(rng):
    """A prompt inside the shell that does not echo what is typed."""
    secret = "".join(rng.choice("abcdefghij0123456789") for _ in range(rng.randrange(6, 13)))
    return [Step(list("~/ask") + ["\r"], r"assword: $"), Step(list(secret) + ["\r"])]


def into_cat(rng):
    return [Step(list("cat > /dev/null") + ["\r"], r"null\r\n"), Step(list(rng.choice(("some words", "a line of text"))) + ["\r"], r"\r\n"), Step(["\x04"])]


def fullscreen(rng):
    """A pager or an editor, used and left."""
    if rng.random() < 0.5:
        pages = rng.randrange(1, 5)
        steps = [Step(list("less /usr/share/common-licenses/GPL-3") + ["\r"], r":|GPL-3"), Step([rng.choice((" ", "j", "\x1b[B")) for _ in range(pages * 2)], None),
                 Step(["q"], PROMPT)]
    else:
        steps = [Step(list("vi /tmp/draft") + ["\r"], r"draft"), Step(list("itake note of this") + ["\x1b"], None), Step(list(":q!") + ["\r"], PROMPT)]
    return steps + [Step(list("exit") + ["\r"], None)]


class Typist:
    """Presses keys through `send`, each at its own moment: a late one does not delay the rest."""

    def __init__(self, rng, send):
        self.rng, self.send, self.pressed = rng, send, 0
        self.pace = rng.uniform(0.08, 0.2)

    def think(self):
        time.sleep(self.rng.uniform(0.3, 1.2))

    def press(self, keys):
        for key in keys:
            self.send(key)
            self.pressed += 1
            time.sleep(max(0.045, self.rng.gauss(self.pace, self.pace / 3)))
