"""Runs in an environment with Stripe's library: see run.py."""

import json
import pathlib
import subprocess
import sys
import time
import urllib.parse

import stripe

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from support.harness import Checks, build_folder

BUILD = build_folder()
SECRET, OLD_SECRET = "whsec_" + "n" * 32, "whsec_" + "o" * 32


def ours(*arguments, body=b""):
    done = subprocess.run(
        [BUILD / "tests" / "gesso-stripe-check", *arguments], input=body, stdout=subprocess.PIPE, check=True
    )
    return done.stdout.decode()


def event(kind, item, **more):
    return json.dumps({
        "id": "evt_1", "object": "event", "api_version": "2026-06-24.dahlia", "created": int(time.time()),
        "livemode": False, "pending_webhooks": 1, "request": {"id": None, "idempotency_key": None},
        "type": kind, "data": {"object": item}, **more,
    }, indent=2).encode()


SUBSCRIPTION = {
    "id": "sub_1", "object": "subscription", "customer": "cus_1", "status": "active", "created": 1690000000,
    "cancel_at_period_end": False, "metadata": {"user_id": "user_ada"},
    "items": {"object": "list", "data": [{
        "id": "si_1", "object": "subscription_item", "current_period_start": 1690000000,
        "current_period_end": 1692678400, "price": {"id": "price_pro", "object": "price"}}]},
}


def header_of_theirs(body, secret, when=None):
    return stripe.WebhookSignature.generate_signature_header(body.decode(), secret, when)


def they_verify_our_signature():
    body = event("customer.subscription.updated", SUBSCRIPTION)
    built = stripe.Webhook.construct_event(body, ours("sign", SECRET, body=body), SECRET)
    assert built.data.object.id == "sub_1"
    both = ours("sign", OLD_SECRET, SECRET, body=body)
    for secret in (OLD_SECRET, SECRET):
        stripe.Webhook.construct_event(body, both, secret)
    try:
        stripe.Webhook.construct_event(body, ours("sign", OLD_SECRET, body=body), SECRET)
    except stripe.SignatureVerificationError:
        return
    raise AssertionError("they take what another secret signed")


def we_verify_their_signature():
    body = event("customer.subscription.updated", {**SUBSCRIPTION, "description": "Ünïcode \u2028 ☂"})
    assert ours("verify", header_of_theirs(body, SECRET), SECRET, body=body) == "good"
    assert ours("verify", header_of_theirs(body, OLD_SECRET), SECRET, OLD_SECRET, body=body) == "good"
    assert ours("verify", header_of_theirs(body, OLD_SECRET), SECRET, body=body) == "wrong"
    assert ours("verify", header_of_theirs(body, SECRET), SECRET, body=body + b" ") == "wrong"


def both_refuse_the_same_headers():
    body = event("customer.subscription.updated", SUBSCRIPTION)
    now, good = int(time.time()), header_of_theirs(body, SECRET)
    headers = [
        "", "t=", "nonsense", f"t={now}", good.replace("v1=", "v0="), good.replace("t=", "x="), good[:-1],
        good.replace("v1=", "v1=0"), good + ",v1=00", "v0=1," + good, good.replace(",", ",v1=ff,"),
        header_of_theirs(body, SECRET, now - 1000), header_of_theirs(body, SECRET, now - 290),
    ]
    for header in headers:
        try:
            theirs = stripe.WebhookSignature.verify_header(body.decode(), header, SECRET, tolerance=300)
        except (stripe.SignatureVerificationError, ValueError):
            theirs = False
        mine = ours("verify", header, SECRET, body=body) == "good"
        assert mine == theirs, (header, mine, theirs)


def we_read_the_events_that_they_build():
    built = stripe.Event.construct_from(json.loads(event("customer.subscription.updated", SUBSCRIPTION)), "sk")
    facts = json.loads(ours("parse", body=str(built).encode()))
    assert facts["kind"] == "subscription" and facts["user_id"] == "user_ada", facts
    assert facts["subscription"]["items"] == [{"id": "si_1", "price_id": "price_pro"}], facts
    assert facts["subscription"]["status"] == "active", facts


def a_thin_event_is_refused():
    thin = json.dumps({"id": "evt_1", "object": "v2.core.event", "type": "v1.billing.meter.no_meter_found",
                       "created": "2026-01-31T12:00:00.000Z", "livemode": False}).encode()
    assert ours("parse", body=thin) == "malformed: it is a thin event, which has another format"


def fields(kind):
    return set(kind.__annotations__)


def what_we_read_is_where_their_types_say():
    """The shape from basil on, in the types of the library."""
    assert {"id", "customer", "status", "created", "items", "metadata", "cancel_at", "cancel_at_period_end",
            "canceled_at", "ended_at"} <= fields(stripe.Subscription)
    assert "current_period_end" not in fields(stripe.Subscription)
    assert {"id", "price", "current_period_end"} <= fields(stripe.SubscriptionItem)
    assert {"id", "customer", "status", "billing_reason", "next_payment_attempt", "lines",
            "parent"} <= fields(stripe.Invoice)
    assert not {"subscription", "paid"} & fields(stripe.Invoice)
    assert {"subscription", "metadata"} <= fields(stripe.Invoice.Parent.SubscriptionDetails)
    line = stripe.InvoiceLineItem
    assert {"period", "parent", "pricing"} <= fields(line)
    assert {"subscription", "proration"} <= fields(line.Parent.SubscriptionItemDetails)
    assert "price" in fields(line.Pricing.PriceDetails)
    assert {"mode", "customer", "subscription", "client_reference_id"} <= fields(stripe.checkout.Session)


def our_forms_are_theirs():
    from stripe._encode import _api_encode

    calls = {
        "checkout": {"mode": "subscription", "line_items": [{"price": "price_pro", "quantity": 1}],
                     "customer": "cus_1", "client_reference_id": "user_ada",
                     "subscription_data": {"metadata": {"user_id": "user_ada"}},
                     "success_url": "https://a.example/ok?s={S}", "cancel_url": "https://a.example/no"},
        "portal": {"customer": "cus_1", "return_url": "https://a.example/plan",
                   "flow_data": {"type": "subscription_cancel", "subscription_cancel": {"subscription": "sub_1"}}},
        "change": {"items": [{"id": "si_1", "price": "price_pro"}], "proration_behavior": "create_prorations"},
        "cancel": {"cancel_at_period_end": True},
        "customer": {"email": "ada+x@example.com", "metadata": {"user_id": "user_ada"}},
    }
    for name, parameters in calls.items():
        theirs = sorted((key, str(value)) for key, value in _api_encode(parameters))
        mine = sorted(urllib.parse.parse_qsl(ours("form", name), keep_blank_values=True, strict_parsing=True))
        assert mine == theirs, (name, mine, theirs)


def main():
    checks = Checks()
    for check in (they_verify_our_signature, we_verify_their_signature, both_refuse_the_same_headers,
                  we_read_the_events_that_they_build, a_thin_event_is_refused,
                  what_we_read_is_where_their_types_say, our_forms_are_theirs):
        checks.run(check.__name__.replace("_", " "), check)
    checks.close()


main()
