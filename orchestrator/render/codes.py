"""Every code a problem with a template may carry (docs/reference/codes.md is made of these)."""

from collections.abc import Mapping

from orchestrator.findings import Code

TEMPLATE_CODES: Mapping[str, Code] = {
    # ── the files
    "T001": Code(
        "no templates",
        "The directory of templates does not exist or holds no template.",
        "Point `templates` in the settings at a directory, or run `beforehand init`.",
    ),
    "T002": Code(
        "a file that nothing uses",
        "The file's name is none that is looked for, so what it says would never be sent.",
        "Name it `<journey>/<name>/<channel>.txt.<locale>.j2` or `email.html.<locale>.j2`, in small "
        "letters, digits, "
        "`-` and `_`; shared pieces stand directly in `shared/`.",
    ),
    "T003": Code(
        "a file that cannot be read",
        "The file is not UTF-8, is far too large, or is a link that leads out of the directory of templates.",
        "Save it as UTF-8; keep every template inside the directory.",
    ),
    # ── Jinja
    "T010": Code(
        "syntax error",
        "Jinja cannot read the template: a brace, a quote, an `endif` or an `endfor` is missing or "
        "misspelled.",
        "Mend it at the place shown; the place is where Jinja noticed, the cause may stand before it.",
    ),
    "T011": Code(
        "unknown name",
        "No value of that name is ever there, so the message could not be rendered.",
        "Take a name from docs/reference/template-variables.md. What is merely not known yet is there, "
        "and empty.",
    ),
    "T012": Code(
        "unknown filter or test",
        "There is no such filter or test. Those that could print raw HTML, or more than a message, are "
        "left out.",
        "Take one from docs/reference/template-variables.md or Jinja's list.",
    ),
    "T013": Code(
        "a statement that is not for templates",
        "Templates may decide (`if`), repeat (`for`), set and include. They do not extend, import or switch "
        "escaping off.",
        'Write `{% include "shared/closing.txt" %}` for what several templates share.',
    ),
    "T014": Code(
        "nothing to include",
        "The file named by `include` does not exist in this language or any it falls back to, or "
        "includes itself.",
        "Name the file without language and ending: `shared/closing.txt` for "
        "`templates/shared/closing.txt.de.j2`.",
    ),
    # ── what stands above the text
    "T020": Code(
        "no subject",
        "Every email needs a subject.",
        "Begin `email.txt` with `Subject: …` and an empty line.",
    ),
    "T021": Code(
        "a purpose that does not exist",
        "The law, consent, caps and headers of a message follow from its purpose.",
        "Write `Purpose:` security, service, relationship or marketing; or leave it to the rule.",
    ),
    "T022": Code(
        "unknown header line",
        "The lines above the first empty line are headers; one of them is not known for this channel.",
        "email: Subject, Preview, Purpose. push: Title, Link, Purpose. Others: Purpose.",
    ),
    "T023": Code(
        "HTML without text",
        "There is an `email.html` but no `email.txt` in its language: a mail needs its plain part and "
        "its subject.",
        "Write the `email.txt` of the same language beside it.",
    ),
    "T024": Code(
        "nothing to say",
        "The template has no text below its headers.",
        "Write the text, or remove the file.",
    ),
    # ── HTML
    "T030": Code(
        "MJML is broken",
        "An element is unknown, never closed, or closed out of order.",
        "Mend it at the place shown; documentation.mjml.io lists the elements.",
    ),
    "T031": Code(
        "Jinja where MJML cannot keep it",
        "Expressions belong into texts and quoted attributes; statements into texts, or between "
        "sections and columns.",
        "Move it into an `mj-text`, or write the attribute's value in quotes.",
    ),
    "T032": Code(
        "styles cannot be inlined",
        "The style sheet of the document is not valid CSS.",
        "Mend the `mj-style` of the layout or the template.",
    ),
}
