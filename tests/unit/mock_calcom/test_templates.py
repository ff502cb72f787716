import pytest

from mock_calcom import templates
from mock_calcom.templates import FORM, JSON, TemplateError, UnsupportedTemplateError

#: Measured with Handlebars 4.7 in Cal.com's own way of using it.
MEASURED = [
    ('{"t":"{{title}}"}', {"title": "A & B"}, JSON, '{"t":"A &amp; B"}'),
    ('{"t":"{{title}}"}', {"title": 'say "hi"'}, JSON, "false"),
    ('{"n":"{{notes}}"}', {"notes": "a\nb"}, JSON, "false"),
    ('{"id": {{bookingId}} }', {"bookingId": 7}, FORM, '{"id": 7 }'),
    (
        '{"x":"{{missing}}","m":"{{metadata}}"}',
        {"metadata": {"k": "v"}},
        JSON,
        '{"x":"","m":"[object Object]"}',
    ),
    ('{"t":"{{{title}}}"}', {"title": "A & B"}, JSON, '{"t":"A & B"}'),
    ('{"t":"{{{title}}}"}', {"title": 'a"b'}, JSON, "false"),
    ('{"t":"{{{title}}}"}', {"title": "a\\b"}, JSON, '{"t":"a\\b"}'),
    ('{"t":"{{{title}}}"}', {"title": "a\\c"}, JSON, "false"),
    ('{"a": {{{x}}} }', {"x": 1}, FORM, '{"a": 1 }'),
    ("0", {}, FORM, "0"),
    ("{{t}}", {"t": "<>'`="}, FORM, "&lt;&gt;&#x27;&#x60;&#x3D;"),
]


@pytest.mark.parametrize(("template", "context", "kind", "body"), MEASURED)
def test_a_template_makes_what_was_measured(template, context, kind, body):
    assert templates.content_type(template) == kind
    assert templates.body(template, context).decode() == body


@pytest.mark.parametrize(
    ("template", "kind"),
    [
        (None, JSON),
        ("{}", JSON),
        ("[]", JSON),
        ("1", JSON),
        ('"x"', JSON),
        ("true", JSON),
        ("", FORM),
        ('""', FORM),
        ("false", FORM),
        ("null", FORM),
        ("0.0", FORM),
        ("NaN", FORM),
        ("booked", FORM),
    ],
)
def test_the_content_type_depends_on_the_bare_template(template, kind):
    assert templates.content_type(template) == kind


@pytest.mark.parametrize(
    "template", ['{"a":{{x}}}', "{{x", "{{{x}}", "{{}}", "{{ }}", "{{x}} and {{y", "{{{x"]
)
def test_a_template_that_handlebars_cannot_parse_sends_nothing(template):
    with pytest.raises(TemplateError):
        templates.body(template, {"x": 1})


@pytest.mark.parametrize(
    "template",
    ["{{#if x}}a{{/if}}", "{{> part}}", "{{x y}}", "{{~x~}}", "\\{{x}}", "{{else}}", "{{../x}}"],
)
def test_what_is_not_imitated_is_refused_rather_than_rendered_wrongly(template):
    with pytest.raises(UnsupportedTemplateError):
        templates.body(template, {"x": 1})


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{attendees.0.name}}", "Zoë"),
        ("{{attendees.[0].name}}", "Zoë"),
        ("{{attendees.length}}", "1"),
        ("{{attendees.9.name}}", ""),
        ("{{attendees.0.timezone}}", ""),
        ("{{title.length}}", "3"),
        ("{{this.title}}|{{./title}}", "A&amp;B|A&amp;B"),
        ("{{&title}}{{{ title }}}", "A&BA&B"),
        ("{{[odd key]}}", "yes"),
        ("{{no}},{{yes}},{{nothing}},{{price}}", "false,true,,1.5"),
        ("{{list}}", "1,,2"),
        ("{{!gone}}a{{!-- {{gone}} --}}b", "ab"),
        ("{{price.cents}}", ""),
    ],
)
def test_a_path_finds_its_value(template, text):
    context = {
        "title": "A&B",
        "attendees": [{"name": "Zoë", "timeZone": "Europe/Berlin"}],
        "odd key": "yes",
        "no": False,
        "yes": True,
        "nothing": None,
        "price": 1.5,
        "list": [1, None, 2],
    }
    assert templates.render(template, context) == text


def test_numbers_beyond_a_double_are_rounded_as_javascript_does():
    assert templates.body('{"n":1}'.replace("1", "123456789012345678901234567890"), {}) == (
        b'{"n":1.2345678901234568e+29}'
    )


def test_a_list_inside_json_is_written_anew():
    assert templates.body('[ 1.0,  "{{x}}" ]', {"x": "é"}) == '[1,"é"]'.encode()
