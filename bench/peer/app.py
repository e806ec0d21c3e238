"""The peer of Gesso's service: the same routes in Python with FastAPI and Motor.

It answers the routes that bench/run.py compares as Gesso does, on the same collections, with the
same reads and durable writes: a request looks whether its user is still active (FastAPI's own
tutorial has `get_current_active_user` for that), and a charge is a mark together with the lowered
balance, the generation, and the mark taken away. What Gesso does beyond that is missing: a usage log
of each request, rate limits, sessions that can be ended, the sweep, rotation, metrics. With
TRUST_TOKEN set it does not look at the user either.

    MONGODB_URI=mongodb://... TOKEN_KEY=... uvicorn app:app --workers 2
"""

import asyncio
import base64
import os
import secrets
import time
from contextlib import asynccontextmanager
from datetime import datetime, timezone
from enum import Enum
from typing import Annotated

import bcrypt
import jwt
import orjson
from bson.codec_options import CodecOptions
from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from motor.motor_asyncio import AsyncIOMotorClient
from pydantic import BaseModel, ConfigDict, Field, field_validator
from pymongo.errors import DuplicateKeyError

TOKEN_KEY = os.environ["TOKEN_KEY"]
TOKEN_LIFETIME = 3600
TRUST_TOKEN = "TRUST_TOKEN" in os.environ
BCRYPT_ROUNDS = 12
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
INTERNAL_FIELDS = (
    "credits_from_subscription", "credits_from_balance", "charged_subscription_id", "charged_period_start",
    "refund_due_at", "refund_token", "lease_owner", "is_leased", "claimable_at", "attempts",
)  # fmt: skip
OPTIONAL_FIELDS = (
    "negative_prompt", "seed", "replicate_prediction_id", "error_message", "refunded_at", "processing_time_ms",
    "started_at", "completed_at",
)  # fmt: skip


class ModelType(str, Enum):
    sdxl = "stable-diffusion-xl"
    sd2 = "stable-diffusion-v2"
    dalle3 = "dalle-3"


class ImageSize(str, Enum):
    square_256 = "256x256"
    square_512 = "512x512"
    square_1024 = "1024x1024"
    portrait_1024 = "1024x1792"
    landscape_1792 = "1792x1024"


class Status(str, Enum):
    pending = "pending"
    processing = "processing"
    completed = "completed"
    failed = "failed"


class Credentials(BaseModel):
    model_config = ConfigDict(extra="forbid")
    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=254)]
    password: Annotated[str, Field(min_length=8, max_length=256)]

    @field_validator("email")
    @classmethod
    def lower(cls, email):
        return email.lower()


class GenerationCreate(BaseModel):
    model_config = ConfigDict(extra="forbid", use_enum_values=True, validate_default=True)
    prompt: Annotated[str, Field(min_length=1, max_length=2000)]
    negative_prompt: Annotated[str | None, Field(max_length=2000)] = None
    model_type: ModelType = ModelType.sdxl
    image_size: ImageSize = ImageSize.square_1024
    num_images: Annotated[int, Field(ge=1, le=4)] = 1
    guidance_scale: Annotated[float, Field(ge=1, le=20)] = 7.5
    num_inference_steps: Annotated[int, Field(ge=1, le=150)] = 50
    seed: Annotated[int | None, Field(ge=0, le=4294967295)] = None


def next_id(prefix):
    """A ULID behind a prefix."""
    number = int(time.time() * 1000) << 80 | secrets.randbits(80)
    return prefix + "".join(ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def now():
    moment = datetime.now(timezone.utc)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def to_json(document):
    """As Gesso shows a document: `_id` as `id`, what is absent as null, nothing internal."""
    shown = {"id": document.pop("_id"), **document}
    for field in INTERNAL_FIELDS:
        shown.pop(field, None)
    for field in OPTIONAL_FIELDS:
        shown.setdefault(field)
    return shown


def json_response(content, status=200, headers=None):
    body = orjson.dumps(content, option=orjson.OPT_UTC_Z)
    return Response(body, status, headers, media_type="application/json")


@asynccontextmanager
async def lifespan(application):
    client = AsyncIOMotorClient(os.environ["MONGODB_URI"], maxPoolSize=50)
    options = CodecOptions(tz_aware=True, tzinfo=timezone.utc)
    database = client.get_database("imagegenerator", codec_options=options)
    application.state.users = database.users
    application.state.subscriptions = database.subscriptions
    application.state.generations = database.generations
    yield
    client.close()


app = FastAPI(lifespan=lifespan, openapi_url=None)
bearer = HTTPBearer()


async def current_user(
    authorization: Annotated[HTTPAuthorizationCredentials, Depends(bearer)], request: Request
) -> str:
    try:
        user_id = jwt.decode(
            authorization.credentials, TOKEN_KEY, algorithms=["HS256"], options={"require": ["exp", "iat", "sub"]}
        )["sub"]
    except jwt.InvalidTokenError as error:
        raise HTTPException(401, "This is not an access token") from error
    if not TRUST_TOKEN:
        user = await request.app.state.users.find_one({"_id": user_id}, {"is_active": 1})
        if not user or not user["is_active"]:
            raise HTTPException(401, "The token's user is not active")
    return user_id


UserId = Annotated[str, Depends(current_user)]


@app.get("/healthz")
async def health():
    return {"status": "ok"}


@app.post("/api/v1/auth/register")
async def register(credentials: Credentials, request: Request):
    hashed = await asyncio.to_thread(
        bcrypt.hashpw, credentials.password.encode(), bcrypt.gensalt(BCRYPT_ROUNDS)
    )
    moment = now()
    user = {
        "_id": next_id("user_"), "email": credentials.email, "auth_provider": "email",
        "hashed_password": hashed.decode(), "is_active": True, "is_verified": False, "subscription_tier": "free",
        "credits_remaining": 10, "total_generations": 0, "settings": {}, "pending_charges": [],
        "created_at": moment, "updated_at": moment,
    }  # fmt: skip
    try:
        await request.app.state.users.insert_one(user)
    except DuplicateKeyError as error:
        raise HTTPException(409, "This email is taken") from error
    return json_response({"id": user["_id"], "email": user["email"]}, 201)


@app.post("/api/v1/auth/login")
async def log_in(credentials: Credentials, request: Request):
    user = await request.app.state.users.find_one({"email": credentials.email})
    if not user or not await asyncio.to_thread(
        bcrypt.checkpw, credentials.password.encode(), user["hashed_password"].encode()
    ):
        raise HTTPException(401, "The email or the password is wrong")
    issued = int(time.time())
    claims = {"sub": user["_id"], "iat": issued, "exp": issued + TOKEN_LIFETIME}
    token = jwt.encode(claims, TOKEN_KEY, algorithm="HS256")
    return {"access_token": token, "token_type": "bearer", "expires_in": TOKEN_LIFETIME}


@app.post("/api/v1/generations")
async def create_generation(asked: GenerationCreate, user_id: UserId, request: Request):
    state = request.app.state
    cost = asked.num_images
    moment = now()
    generation = {
        "_id": next_id("gen_"), "user_id": user_id, **asked.model_dump(exclude_none=True), "status": "pending",
        "result_urls": [], "blob_urls": [], "cost_credits": cost, "credits_from_subscription": 0,
        "credits_from_balance": cost, "is_leased": False, "claimable_at": moment, "attempts": 0,
        "created_at": moment, "updated_at": moment,
    }  # fmt: skip
    generation_id = generation["_id"]

    # Gesso takes from an active subscription first. The benchmark's user has none; a real one
    # would be charged here as the user is below.
    await state.subscriptions.find_one({"user_id": user_id})

    mark = {"token": generation_id, "generation_id": generation_id, "credits": cost, "at": moment}
    taken = await state.users.update_one(
        {"_id": user_id, "is_active": True, "credits_remaining": {"$gte": cost}},
        {
            "$inc": {"credits_remaining": -cost},
            "$push": {"pending_charges": mark},
            "$set": {"updated_at": moment},
        },
    )
    if not taken.matched_count:
        user = await state.users.find_one({"_id": user_id})
        if not user or not user["is_active"]:
            raise HTTPException(401, "The token's user is not active")
        raise HTTPException(402, f"Not enough credits: {cost} needed, {user['credits_remaining']} left")
    await state.generations.insert_one(generation)
    await state.users.update_one(
        {"_id": user_id, "pending_charges.token": generation_id},
        {
            "$pull": {"pending_charges": {"token": generation_id}},
            "$inc": {"total_generations": 1},
            "$set": {"updated_at": now()},
        },
    )
    location = f"/api/v1/generations/{generation_id}"
    return json_response(to_json(generation), 201, {"Location": location})


@app.get("/api/v1/generations/{generation_id}")
async def get_generation(generation_id: str, user_id: UserId, request: Request):
    generation = await request.app.state.generations.find_one({"_id": generation_id})
    if not generation or generation["user_id"] != user_id:
        raise HTTPException(404, "There is no such generation")
    return json_response(to_json(generation))


def write_cursor(generation):
    place = [generation["created_at"], generation["_id"]]
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode()


def read_cursor(text):
    try:
        created_at, generation_id = orjson.loads(base64.urlsafe_b64decode(text))
        return datetime.fromisoformat(created_at), str(generation_id)
    except (ValueError, TypeError) as error:
        raise HTTPException(422, "This is not a cursor of this list") from error


@app.get("/api/v1/generations")
async def list_generations(
    user_id: UserId,
    request: Request,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    status: Status | None = None,
    cursor: str = "",
):
    found = {"user_id": user_id}
    if status:
        found["status"] = status.value
    if cursor:
        created_at, generation_id = read_cursor(cursor)
        found["$or"] = [
            {"created_at": {"$lt": created_at}},
            {"created_at": created_at, "_id": {"$lt": generation_id}},
        ]
    order = [("created_at", -1), ("_id", -1)]
    page = await request.app.state.generations.find(found).sort(order).limit(limit + 1).to_list(limit + 1)
    next_cursor = write_cursor(page[limit - 1]) if len(page) > limit else None
    return json_response({"items": [to_json(one) for one in page[:limit]], "next_cursor": next_cursor})
