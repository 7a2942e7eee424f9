"""What operations wrote for a chaos run, and the settings: each message says which one it is."""

from pathlib import Path

RULES = """\
version: 1
journey: parcel
milestones: [packed, shipped, delivered, closed]
rules:
  - id: packed
    on: {reached: packed}
    say: packed
    channels: [email]
    timing: {at: now, within: WITHIN}
  - id: shipped
    on: {reached: shipped}
    say: shipped
    channels: [sms, email]
    timing: {at: now, within: WITHIN}
  - id: moved
    on: {moved: delivered, by: 1d, settle: 1s}
    say: moved
    channels: [push, email]
    timing: {at: now, within: WITHIN}
  - id: delivered
    on: {reached: delivered}
    say: delivered
    channels: [push, sms, email]
    timing: {at: now, within: WITHIN}
"""

CONFIG = """\
[company]
name = "Autohaus Lindner"
postal_address = "Musterstraße 12, 80331 München"
time_zone = "Europe/Berlin"

[sender]
email = "service@autohaus-lindner.example"

[channels.email]
live = true
host = "127.0.0.1"
port = {mail}
starttls = false
timeout = "{answer}s"

[channels.sms]
live = true
account = "{account}"
sender = "{number}"
url = "http://127.0.0.1:{texts}"
timeout = "{answer}s"

[channels.push]
live = true
fcm_url = "https://127.0.0.1:{push}"
timeout = "{answer}s"

[server]
port = {port}
public_url = "https://hooks.lindner.example"
events_key = "open"

[daemon]
lease = "{lease}s"
batch = 20
"""

MILESTONES = ("packed", "shipped", "delivered")
SAYS = {"packed": ("email",), "shipped": ("sms", "email"), "delivered": ("push", "sms", "email")}


def write(folder: Path, within: str, **numbers: object) -> None:
    """Write settings, rules and templates there; what is not given in *numbers* is missing."""
    (folder / "config.toml").write_text(CONFIG.format(**numbers))
    (folder / "rules").mkdir()
    (folder / "rules" / "parcel.yaml").write_text(RULES.replace("WITHIN", within))
    for rule, channels in {**SAYS, "moved": ("push", "email")}.items():
        place = folder / "templates" / "parcel" / rule
        place.mkdir(parents=True)
        mark = f"[[{{{{ order.id }}}} {rule}{' {{ promise.day }}' if rule == 'moved' else ''}]]"
        head = {"email": f"Subject: {rule}\n\n", "push": f"Title: {rule}\n\n", "sms": ""}
        for channel in channels:
            suffix = "email.txt" if channel == "email" else f"{channel}.txt"
            (place / f"{suffix}.en.j2").write_text(f"{head[channel]}Hello {{{{ customer.name }}}}, {mark}\n")
    task = folder / "templates" / "shared" / "reach-the-customer"
    task.mkdir(parents=True)
    (task / "email.txt.en.j2").write_text("Subject: call\n\n{{ because }}\n")
