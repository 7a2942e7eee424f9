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
        "No value of that name is ever there: the message could not be rendered, or would always lack an "
        "attribute or a milestone that its journey does not declare.",
        "Take a name from docs/reference/template-variables.md or from the journey. What is merely not known "
        "yet is there, and empty.",
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
        "a purpose that does not exist, or is not the rule's",
        "The law, consent, caps and headers of a message follow from the purpose of its rule. A text that "
        "declares one may only be said by rules of the same.",
        "Write `Purpose:` security, service, relationship or marketing, as the rule has it; or leave it "
        "to the rule.",
    ),
    "T022": Code(
        "unknown header line",
        "The lines above the first empty line are headers; one of them is not known for this channel.",
        "email: Subject, Preview, Attach, Calendar, Calendar-Title, Calendar-Place. push and others: Title, "
        "Link. All of them, and sms: Purpose, Allow.",
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
    "T025": Code(
        "header twice",
        "A header that is said once stands there twice; one of the two would silently win. `Attach:` and "
        "`Allow:` may be repeated.",
        "Remove one of them.",
    ),
    # ── what goes with a mail
    "T040": Code(
        "a file to attach that is not there",
        "`Attach:` names a file inside the directory of templates, or a text beside them without its "
        "language and `.j2`: what is not there when a mail is made parks that mail.",
        "Put the file there: `Attach: shared/files/what-to-bring.pdf`.",
    ),
    "T041": Code(
        "a file that is not attached",
        "Only kinds that no computer runs and no reader is warned of are attached: pdf, png, jpg, txt, csv; "
        "and a file must be what its name says.",
        "Save it as a PDF.",
    ),
    "T042": Code(
        "files too large for a mail",
        "One file may have 2 MB and all of a mail 5 MB: servers refuse large mails, and phones wait.",
        "Make the file smaller, or attach fewer.",
    ),
    "T043": Code(
        "a calendar line that cannot be read",
        "`Calendar:` says what to do, with which milestone, and how long it lasts if only a beginning is "
        "promised.",
        "Write `Calendar: invite collected for 1h`; or `publish`, or `cancel`.",
    ),
    "T044": Code(
        "a brand that cannot be shown",
        "`[brands.…]` in the settings names a logo or a layout that is not among the templates.",
        "Put the picture into the directory of templates, and the layout into `shared/layouts/`.",
    ),
    # ── what rules and channels ask
    "T045": Code(
        "a list that leaves out the others",
        "The rule says `combine`, so the message may be about several orders; this text speaks of one, and "
        "of the others the customer would never hear.",
        "Name them all: `{% for one in orders %}{{ one.attributes.model }}{% endfor %}`; alone it is a list "
        "of one.",
    ),
    "T046": Code(
        "a channel that cannot do that",
        "The template asks something of a channel that the channel does not have: HTML, or a text so long.",
        "Leave the file out, or say it shorter; `beforehand channels list` shows what each channel can do.",
    ),
    "T047": Code(
        "no channel of that name",
        "The file is called after a channel that is not set up, so nothing would ever be said with it.",
        "Name it after a channel (`beforehand channels list`), or set that channel up in the settings.",
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
    # ── what a reader misses, or minds; any of these may be allowed with a reason
    "T101": Code(
        "nobody is greeted",
        "The text prints neither `customer.greeting` nor a name of the customer.",
        'Begin with `{% include "shared/greeting.txt" %}`, or with the name itself where space is short.',
    ),
    "T102": Code(
        "not what happens next",
        "The reader learns what happened and not what follows from it: what you do now, or what they can do.",
        "Say it in a sentence. In an SMS or a push a day to come is enough.",
    ),
    "T103": Code(
        "not when you will be in touch again",
        "The text names no day to come: none of `next_update`, `promise`, `promises` and `awaited`, no other "
        "date, and no day in words.",
        "Print `next_update`, a day that the rules will keep, or the promise.",
    ),
    "T104": Code(
        "nobody signs",
        "No person is named: neither `sender` nor `owner` nor `manager`.",
        'End a mail with `{% include "shared/closing.txt" %}`, an SMS or a push with `{{ sender.name }}`.',
    ),
    "T105": Code(
        "no reply is offered",
        "Every answer reaches the owner of the order, but this text does not say so. A push is not asked.",
        "Write “Just reply.”, or ask a question that the reply answers.",
    ),
    "T106": Code(
        "the reader is sent elsewhere",
        "A web page, a portal, a call centre or a telephone number for what the order knows. Whoever has to "
        "look it up was not told.",
        "Say what stands there, and offer a reply.",
    ),
    "T107": Code(
        "more about us than about the reader",
        "The file's own words say “we” at least as often as “you”.",
        "Tell it from the reader's side: not “we have received your car” but “your car is here”.",
    ),
    "T108": Code(
        "shouting",
        "Several capitals in a row, or more than one exclamation mark.",
        "Say it quietly. If it is a name, allow it with that reason.",
    ),
    "T109": Code(
        "machine words",
        "“Dear customer”, “do not reply”, “automatically generated”: nobody speaks like this.",
        "Say it as you would to somebody you know.",
    ),
    "T110": Code(
        "the same words again",
        "Two rungs of one ladder say the same: who still waits hears that nobody has looked.",
        "Say what is new: how long it is now, what was done since, what they can do.",
    ),
    "T111": Code(
        "a channel is missing",
        "A rule may say the template by a channel for which it has no text.",
        "Write the file, or take the channel from the rule's `channels`.",
    ),
    "T112": Code(
        "a language is missing",
        "Other texts of the journey speak a language in which this one is not written, so its readers get "
        "another.",
        "Write the file that the hint names.",
    ),
    "T113": Code(
        "more than one SMS",
        "With sample facts the text is longer than one segment (160 characters of GSM-7, or 70 of UCS-2), so "
        "each message costs twice.",
        "Say it in fewer words; `beforehand preview` counts. A language outside GSM-7 may need it: allow it.",
    ),
    "T114": Code(
        "unused template",
        "No rule says it and no task is called so, so nobody will ever read it.",
        "Let a rule say it, or remove the folder. What several journeys use belongs into `shared/`.",
    ),
    "T115": Code(
        "an allowance that allows nothing",
        "`Allow:` names no code that can be allowed, or gives no reason.",
        "Write `Allow: T104 because the law office wants this wording`: T101 to T114 and T120 to T125.",
    ),
    "T116": Code(
        "an allowance that is not needed",
        "The template no longer has what this line allows.",
        "Remove the line.",
    ),
    "T117": Code(
        "fails with sample facts",
        "Everything in the template exists, but printing it with sample facts stops, or is too long to send. "
        "Rules that say it do not come into force, for every message of it would wait for a person.",
        "Look at the place that is named; `beforehand preview` shows the rest.",
    ),
    # ── what staff miss in a task
    "T120": Code(
        "a task without a deed",
        "It does not say what to do in words of its own.",
        "Say it in a sentence, or print `task.do`.",
    ),
    "T121": Code(
        "a task for nobody",
        "It names neither the customer nor the order.",
        "Print `customer.name` and `order.id`.",
    ),
    "T122": Code(
        "a task without a time",
        "It does not say by when it must be acknowledged, before it goes on to the next person.",
        "Print `task.ack_by`.",
    ),
    "T123": Code(
        "a task without a reason",
        "The mail says what to do and not why.",
        "Include `shared/task.txt`, or print `because`.",
    ),
    "T124": Code(
        "a task without an answer",
        "It does not say how to answer: what to record so that the task is closed.",
        "Say what closes it: “then log the call”.",
    ),
    "T125": Code(
        "a hole in the text",
        "It prints something that may be empty: “promised for .” Every text is said with sample facts, "
        "and again with no more than its rule makes sure of: a `reached` rule needs no promise, an order no "
        "owner, and an attribute with `?` may be missing. Loops are not looked into.",
        "Ask first: `{% if promise %}It was promised for {{ promise.text }}.{% endif %}`; or give a default.",
    ),
}
