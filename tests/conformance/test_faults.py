"""What goes wrong between us and a provider is the same error for every provider and call."""

import pytest

from calls import ACCOUNT, coffee

@pytest.fixture
def call(call_name, calendar):
    """A call that would succeed, but for what a test has made ready."""
    placed = calendar.stand()
    calendar.look(placed)

    def make(**members):
        return {
            "put": lambda: calendar.put(**members),
            "change": lambda: calendar.change(["summary"], coffee(summary="Tea"), **members),
            "drop": lambda: calendar.drop(placed, **members),
            "get": lambda: calendar.get(placed, **members),
            "find": lambda: calendar.ask("find", marker=placed["marker"], **members),
            "list": lambda: calendar.list(**members),
        }[call_name]()
    return make


def results(told):
    return {"placed", "items", "next"} & set(vars(told))


def test_a_token_that_is_refused_is_no_other_error(call, calendar):
    for dead in ("ya29.never", calendar.access):
        calendar.sandbox.expire_access_tokens(ACCOUNT, provider=calendar.side.hands)
        told = call(access=dead)
        assert told.error == "token_not_accepted" and not results(told)


@pytest.mark.parametrize("fault, pause_s", [
    ({"kind": "too_many_requests", "retry_after": 17}, 17),
    ({"kind": "too_many_requests", "retry_after_date": 600}, range(590, 601)),
    ({"kind": "too_many_requests"}, range(1, 3601)),
], ids=["seconds", "date", "unsaid"])
def test_a_limit_says_how_long_it_holds(call, calendar, fault, pause_s):
    calendar.fault(**fault)
    told = call()
    assert told.error == "provider_rate_limited" and not results(told)
    assert told.retry_after_s in (pause_s if isinstance(pause_s, range) else [pause_s])


def test_a_scope_that_is_missing_is_told(call, calendar):
    calendar.fault("insufficientPermissions")
    assert call().error == "scope_missing"


@pytest.mark.parametrize("fault", [
    {"kind": "backendError"}, {"kind": "error", "status": 500, "body": ""},
    {"kind": "error", "status": 404, "body": "<html>no such page"},
    {"kind": "error", "status": 410, "body": ""}, {"kind": "error", "status": 403, "body": "{}"},
    {"kind": "html"}, {"kind": "html", "status": 502}, {"kind": "empty"}, {"kind": "truncate"},
    {"kind": "truncate", "form": "chunked"}, {"kind": "huge"}, {"kind": "redirect"},
    {"kind": "reset"}, {"kind": "store_then_reset"},
], ids=lambda fault: "-".join(str(one) for one in fault.values()))
def test_what_is_no_answer_is_never_a_result(call, call_name, calendar, fault):
    calendar.fault(count=None, **fault)
    told = call()
    nothing_to_spoil = call_name == "drop" and fault["kind"] in ("empty", "truncate")
    assert told.error == ("ok" if nothing_to_spoil else "provider_error")
    assert not results(told)


def test_who_does_not_answer_is_not_waited_for(call, calendar):
    calendar.fault("hold", count=None)
    told = call(deadline_ms=300)
    assert told.error == "provider_timeout" and not results(told)
    calendar.sandbox.release()


def test_who_answers_too_slowly_is_not_waited_for(call, call_name, calendar):
    calendar.fault("trickle", count=None, interval_ms=200)
    told = call(deadline_ms=600)
    assert told.error == ("ok" if call_name == "drop" else "provider_timeout")


def test_a_deadline_that_has_passed_asks_nobody(call, calendar):
    before = calendar.calls()
    assert call(deadline_ms=-1).error == "deadline"
    assert calendar.calls() == before


def test_each_call_is_one_exchange(call, calendar):
    before = calendar.calls()
    assert call().error == "ok"
    assert calendar.calls() == before + 1
