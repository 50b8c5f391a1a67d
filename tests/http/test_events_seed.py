"""The booking application's own calls, made by Node's fetch: book, save the id, move, cancel."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from bookings import PROVIDERS, STUDENT, TEACHER, teacher_at
from stack.processes import clean_environment

CLIENT = Path(__file__).with_name("seed_client.mjs")
LESSON = {"instructorId": TEACHER, "studentName": "John Doe", "studentEmail": STUDENT,
          "startTime": "2031-12-20T10:00:00Z", "endTime": "2031-12-20T11:00:00Z",
          "serviceName": "Private Lesson", "notes": "Beginner session"}
MOVED = ("2031-12-21T10:00:00Z", "2031-12-21T11:00:00Z")


@pytest.fixture(params=PROVIDERS)
def teacher(clean, bearer, request):
    return teacher_at(clean, bearer, request.param)


def node(stack, key, *words):
    """What the client prints; it fails when a failure's body is no JSON."""
    env = {**clean_environment(), "AUTH_SERVICE_URL": stack.public.url,
           "INSTRUCTOROPS_API_KEY": key["x-instructorops-key"],
           "NODE_EXTRA_CA_CERTS": str(stack.authority.certificate),
           "PATH": os.environ.get("PATH", os.defpath)}
    done = subprocess.run(["node", str(CLIENT), *words], env=env, capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def book(teacher, **changes):
    return node(teacher.stack, teacher.key, "book", json.dumps({**LESSON, **changes}))


def test_a_lesson_is_booked_moved_and_cancelled(teacher):
    stack, side = teacher.stack, teacher.side
    booked = book(teacher)
    event = booked["event"]
    assert booked["status"] == 201 and event["id"]
    assert side.title(teacher.standing()) == "Private Lesson with John Doe"
    assert side.start(teacher.standing()).startswith("2031-12-20")
    assert event["description"] == "Beginner session"
    assert teacher.guests() == {STUDENT: "needsAction"}

    teacher.hands("respond", teacher.provider_id(), STUDENT, "accepted")
    moved = node(stack, teacher.key, "move", TEACHER, event["id"], *MOVED)
    assert moved["status"] == 200 and moved["event"]["id"] == event["id"]
    assert side.start(teacher.standing()).startswith("2031-12-21")
    assert teacher.guests() == {STUDENT: "accepted"}

    cancelled = node(stack, teacher.key, "cancel", TEACHER, event["id"])
    assert cancelled == {"status": 204} and teacher.events() == []
    assert node(stack, teacher.key, "cancel", TEACHER, event["id"]) == {"status": 204}
    assert teacher.mails() == {(STUDENT, kind): 1 for kind in ("invite", "update", "cancel")}
    assert stack.sandbox.violations() == []


def test_a_lesson_without_notes_is_described_by_its_service(teacher):
    assert book(teacher, notes="")["event"]["description"] == "Booking for Private Lesson"


def test_an_instructor_who_must_connect_is_told_as_the_client_asks(teacher):
    told = book(teacher, instructorId="nobody-yet")
    assert told["status"] == 409 and told["error"]["requiresAuth"] is True
    teacher.stack.sql("UPDATE coach_calendar_connections SET status = 'reauth_required'")
    told = book(teacher)
    assert told["status"] == 409 and told["error"]["requiresReauth"] is True


@pytest.mark.parametrize("changes, status", [
    ({"startTime": "2031-12-20T10:00:00"}, 400), ({"studentEmail": "nobody"}, 400),
    ({"instructorId": "a b"}, 400), ({"notes": "x" * 70_000}, 413)], ids=str)
def test_every_failure_is_json_with_a_text(teacher, changes, status):
    told = book(teacher, **changes)
    assert told["status"] == status and told["error"]["error"] and told["error"]["code"]
    assert told["error"]["requestId"]


def test_failures_of_the_key_the_id_and_the_provider_are_json(teacher):
    stack, event = teacher.stack, book(teacher)["event"]
    wrong = node(stack, {"x-instructorops-key": "wrong"}, "book", json.dumps(LESSON))
    assert wrong["status"] == 401 and wrong["error"]["code"] == "unauthorized"
    for command in (("move", TEACHER, "never", *MOVED), ("cancel", TEACHER, "never")):
        told = node(stack, teacher.key, *command)
        assert told["status"] == 404 and told["error"]["code"] == "not_found"
    stack.sandbox.fault("backendError", match={"path": teacher.side.api, "count": None})
    for command in (("move", TEACHER, event["id"], *MOVED), ("cancel", TEACHER, event["id"])):
        assert node(stack, teacher.key, *command)["error"]["code"] == "provider_error"


def test_failures_of_the_web_server_are_json(clean, bearer):
    teacher = teacher_at(clean, bearer, "google")
    clean.fcgi.finish()
    try:
        told = book(teacher)
        assert told["status"] == 502 and told["error"]["code"] == "service_unavailable"
    finally:
        clean.fcgi.start(clean.is_ready)
