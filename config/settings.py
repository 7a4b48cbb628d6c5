"""Every setting, read once from the environment; .env.example lists them all.

Read in this order, the first one wins: the environment, the file .env beside manage.py,
the file secrets.env in the data directory (script/server makes it for local use).
"""

import hashlib
import hmac
import os
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import environ
from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.utils.translation import gettext_lazy as _

from config import embedded

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

DATA_DIR = (BASE_DIR / env.str("DATA_DIR", ".data")).resolve()
environ.Env.read_env(DATA_DIR / "secrets.env")

# Arithmetic keeps to its own core: threads that spin while they wait for one another
# make it slower wherever other work runs. Read when numpy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Core

DEBUG = env.bool("DEBUG", False)
HTTPS = env.bool("HTTPS", False)
SECRET_KEY = env.str("SECRET_KEY", "")
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set. Put a long random text into the environment or .env; "
        "for local use, script/server makes one and keeps it in the data directory."
    )
# Encrypt secrets in the database: the first writes, each of them and SECRET_KEY reads.
SECRETS_KEYS = env.list("SECRETS_KEYS", default=[])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
ROOT_URLCONF = "config.urls"
CSRF_FAILURE_VIEW = "config.errors.csrf_failure"
ASGI_APPLICATION = "config.asgi.application"
AUTH_USER_MODEL = "workspace.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
APPEND_SLASH = False  # config.middleware finds the other spelling without a redirect
ADMINS = [("Madang", address) for address in env.list("ADMINS", default=[])]

# Each has its paths, of pages and sockets, below its name.
APPS = ["workspace", "roadblock", "diagnosis", "charging", "sshops"]
INSTALLED_APPS = [
    "daphne",
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "dbbackup",
    "config",
    *APPS,
    "explorer",  # its models need the user model, and workspace's need them
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "config.middleware.ContentSecurityPolicy",
    "config.middleware.CrossOrigin",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "config.middleware.OptionalSlash",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.middleware.AdminTimes",
    "config.middleware.AnswerOutages",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Database, cache, channel layer: addresses from outside, or the embedded servers'

EMBEDDED = embedded.places(DATA_DIR)
POSTGRES_HOST = env.str("POSTGRES_HOST", "")  # in parts, where there is no URL
EMBEDDED_POSTGRES = not env.str("DATABASE_URL", "") and not POSTGRES_HOST
EMBEDDED_VALKEY = not env.str("REDIS_URL", "")
EMBEDDED_DURABLE = env.bool("EMBEDDED_DURABLE", True)

if EMBEDDED_POSTGRES:
    database = {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": str(EMBEDDED.postgres_socket.parent),
        "NAME": embedded.POSTGRES_USER,
        "USER": embedded.POSTGRES_USER,
    }
elif not env.str("DATABASE_URL", ""):
    database = {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": POSTGRES_HOST,
        "PORT": env.int("POSTGRES_PORT", 5432),
        "NAME": env.str("POSTGRES_DB", "mydb"),
        "USER": env.str("POSTGRES_USER", "postgres"),
        "PASSWORD": env.str("POSTGRES_PASSWORD", "postgres"),
    }
else:
    database = env.db_url("DATABASE_URL")
    if database["ENGINE"] != "django.db.backends.postgresql":
        raise ImproperlyConfigured("DATABASE_URL must name a PostgreSQL database.")
database["ENGINE"] = "config.postgresql"
# Only processes that serve many threads gain by a pool: script/server's web processes
# set a size, commands and workers take a plain connection.
DATABASE_POOL_SIZE = env.int("DATABASE_POOL_SIZE", 0)
database.setdefault("OPTIONS", {})
# How soon a server is given up that says nothing any more (the latter three: over TCP).
for name, value in (
    ("connect_timeout", 2),
    ("tcp_user_timeout", 3000),
    ("keepalives_idle", 10),
    ("keepalives_interval", 3),
):
    database["OPTIONS"].setdefault(name, value)
if DATABASE_POOL_SIZE:
    database["OPTIONS"]["pool"] = {
        "min_size": 2,
        "max_size": DATABASE_POOL_SIZE,
        "timeout": 2,
    }
DATABASES = {"default": database}

REDIS_URL = env.str("REDIS_URL", "") or f"unix://{EMBEDDED.valkey_socket}"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "madang",
    }
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "madang"},
    }
}

# Background work

CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {}  # each app's section adds its own

# HTTP

HTTP_THREADS = env.int("HTTP_THREADS", 8)
HTTP_STREAM_THREADS = env.int("HTTP_STREAM_THREADS", 32)
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_ALLOW_CREDENTIALS = True
CORS_EXPOSE_HEADERS = ["ETag", "Retry-After"]
# Whose X-Forwarded-For and X-Forwarded-Proto count: addresses, networks, or * for all.
FORWARDED_ALLOW_IPS = env.list(
    "FORWARDED_ALLOW_IPS", default=["127.0.0.1", "::1"] if HTTPS else []
)
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^health/?$", r"^ready/?$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024
API_RATE_PER_MINUTE = env.int("API_RATE_PER_MINUTE", 3000)

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]

STORAGES = {  # each app's section adds its own
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage",
    },
}


def store(folder, bucket):
    """Return an entry of STORAGES: a bucket where one is named, else a folder."""
    if not bucket:
        options = {"location": DATA_DIR / folder}
        return {"BACKEND": "config.storage.Disk", "OPTIONS": options}
    options = {
        "bucket_name": bucket,
        "endpoint_url": env.str("S3_ENDPOINT_URL", "") or None,
        "region_name": env.str("AWS_REGION", "ap-northeast-2"),
    }
    return {"BACKEND": "config.storage.Bucket", "OPTIONS": options}


# The strict policy of our own pages; what the admin and the API's documentation need
# beyond it stands with them.
CONTENT_SECURITY_POLICY = {
    "default-src": "'self'",
    "img-src": "'self' data: blob:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
CONTENT_SECURITY_POLICY_EXCEPTIONS = {
    # Alpine.js inside django-unfold evaluates expressions and sets styles.
    "/admin": {
        "script-src": "'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src": "'self' 'unsafe-inline'",
    },
    **{
        path: {"style-src": "'self' 'unsafe-inline'", "worker-src": "'self' blob:"}
        for path in (
            *("/docs", "/redoc", "/workspace/docs", "/workspace/redoc"),
            *("/sshops/swagger", "/sshops/redoc"),
        )
    },
}

# Identity

AUTHENTICATION_BACKENDS = ["config.auth.Accounts"]
PASSWORD_HASHERS = [
    "config.hashers.Argon2",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign-in"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "config.auth.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    # No browsable API: errors are JSON for browsers too.
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "config.parsers.AnyAccept",
    "DEFAULT_THROTTLE_CLASSES": ["config.throttling.UserRate"],
    "EXCEPTION_HANDLER": "config.errors.answer",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    # Several apps have a `kind` and a `state`; these two would be named by a number.
    "ENUM_NAME_OVERRIDES": {
        "TransferKind": "sshops.models.transfers.TransferKind",
        "TransferState": "sshops.models.transfers.TransferState",
    },
    "TITLE": "Madang",
    "DESCRIPTION": "Five realtime backends in one house.",
    "VERSION": "0.1.0",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SERVE_INCLUDE_SCHEMA": False,
    "PREPROCESSING_HOOKS": ["config.schema.without_aliases"],
}

# Languages and time

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ko", "한국어")]
LOCALE_PATHS = [BASE_DIR / "config" / "locale"]
USE_TZ = True
TIME_ZONE = "UTC"

# Mail

EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "madang@localhost")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
EMAIL_SUBJECT_PREFIX = "[Madang] "
EMAIL_TIMEOUT = 10

# Logging: to standard error, one line an event

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}
    },
    "filters": {"outages": {"()": "config.outages.WithoutTraceback"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["outages"],
        }
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", "INFO")},
    "loggers": {
        # Its own handler mails every error; ours goes to the console alone.
        "django": {"handlers": [], "level": "NOTSET", "propagate": True},
        "django.channels.server": {"level": "WARNING"},
        "uvicorn": {"handlers": [], "level": "WARNING", "propagate": True},
        # Nobody reads it, and without a reader uvicorn writes no line for a request.
        "uvicorn.access": {"propagate": False},
        "httpx": {"level": "WARNING"},
        "psycopg.pool": {"level": "ERROR"},  # config.outages tells instead
        # It tells every refused login with a traceback; what matters we log ourselves.
        "paramiko": {"level": "CRITICAL"},
    },
}

# The admin

UNFOLD = {
    "SITE_TITLE": "Madang",
    "SITE_HEADER": "Madang",
    "SITE_SUBHEADER": _("Operators' desk"),
    "SITE_SYMBOL": "home_work",
    "SITE_FAVICONS": [
        {"rel": "icon", "href": lambda request: static("shared/icon.svg")}
    ],
    "SHOW_LANGUAGES": True,
    "COLORS": {
        "primary": {  # the pages' teal
            "50": "oklch(98.4% .014 180.7)",
            "100": "oklch(95.3% .051 180.8)",
            "200": "oklch(91% .096 180.4)",
            "300": "oklch(85.5% .138 181.1)",
            "400": "oklch(77.7% .152 181.9)",
            "500": "oklch(70.4% .14 182.5)",
            "600": "oklch(60% .118 184.7)",
            "700": "oklch(51.1% .096 186.4)",
            "800": "oklch(43.7% .078 188.2)",
            "900": "oklch(38.6% .063 188.4)",
            "950": "oklch(27.7% .046 192.5)",
        }
    },
    "LOGIN": {"form": "workspace.forms.DeskSignInForm"},
    "DASHBOARD_CALLBACK": "config.pages.admin_dashboard",
    "SITE_DROPDOWN": "config.pages.ways_out",
}

# workspace

WORKSPACE_TOKEN_MINUTES = env.int("WORKSPACE_TOKEN_MINUTES", 30)
WORKSPACE_REFRESH_DAYS = env.int("WORKSPACE_REFRESH_DAYS", 30)
WORKSPACE_WS_MAX_BYTES = env.int("WORKSPACE_WS_MAX_BYTES", 1_048_576)
WORKSPACE_CHAT_KEEP_DAYS = env.int("WORKSPACE_CHAT_KEEP_DAYS", 30)
WORKSPACE_ALERT_MINUTES = env.int("WORKSPACE_ALERT_MINUTES", 15)
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=WORKSPACE_TOKEN_MINUTES),
    "ALGORITHM": "HS256",
    "SIGNING_KEY": SECRET_KEY,
    "USER_ID_FIELD": "uid",
    "USER_ID_CLAIM": "user_id",
    "TOKEN_TYPE_CLAIM": "type",
}
CELERY_BEAT_SCHEDULE["store-chat-messages"] = {
    "task": "workspace.tasks.store_chat_messages",
    "schedule": timedelta(seconds=5),
    "options": {"expires": 4},
}
CELERY_BEAT_SCHEDULE["sweep-chat-messages"] = {
    "task": "workspace.tasks.sweep_chat_messages",
    "schedule": timedelta(hours=1),
    "options": {"expires": 3300},
}
CELERY_BEAT_SCHEDULE["sweep-refresh-tokens"] = {
    "task": "workspace.tasks.sweep_refresh_tokens",
    "schedule": timedelta(hours=1),
    "options": {"expires": 3300},
}
WORKSPACE_BACKUP_DIR = (
    BASE_DIR / env.str("WORKSPACE_BACKUP_DIR", "dbBackup")
).resolve()
WORKSPACE_BACKUP_KEEP = env.int("WORKSPACE_BACKUP_KEEP", 10)
WORKSPACE_BACKUP_KEY = env.str("WORKSPACE_BACKUP_KEY", "")
WORKSPACE_POSTGRES_BIN = env.str("WORKSPACE_POSTGRES_BIN", "")
STORAGES["dbbackup"] = {
    "BACKEND": "django.core.files.storage.FileSystemStorage",
    "OPTIONS": {"location": WORKSPACE_BACKUP_DIR},
}
if bucket := env.str("WORKSPACE_BACKUP_BUCKET_NAME", ""):
    STORAGES["backups"] = store("backups", bucket)
DBBACKUP_CONNECTORS = {"default": {"CONNECTOR": "workspace.backups.dumps.Connector"}}
DBBACKUP_DATABASES = ["default"]
DBBACKUP_DATE_FORMAT = "%Y-%m-%d_%H%M%S"
CELERY_BEAT_SCHEDULE |= {
    "workspace-backup": {
        "task": "workspace.tasks.start_workflow",
        "args": ["backup"],
        "schedule": crontab(hour=18, minute=10),  # at night in Seoul
    },
    "workspace-backup-check": {
        "task": "workspace.tasks.start_workflow",
        "args": ["backup_check"],
        "schedule": crontab(day_of_week="sat", hour=19, minute=10),
    },
    "workspace-sweep": {
        "task": "workspace.tasks.start_workflow",
        "args": ["sweep"],
        "schedule": crontab(hour=17, minute=10),
    },
    "workspace-tend-workflows": {
        "task": "workspace.tasks.tend_workflows",
        "schedule": timedelta(seconds=30),
        "options": {"expires": 25},
    },
}
CELERY_BEAT_SCHEDULE["forget-login-failures"] = {
    "task": "workspace.tasks.forget_login_failures",
    "schedule": timedelta(hours=1),
    "options": {"expires": 3300},
}
# Files in one piece, and by the tus protocol, which may take days and lines.
WORKSPACE_UPLOAD_MAX_BYTES = env.int("WORKSPACE_UPLOAD_MAX_BYTES", 50 * 1024 * 1024)
WORKSPACE_RESUMABLE_MAX_BYTES = env.int("WORKSPACE_RESUMABLE_MAX_BYTES", 2 * 1024**3)
STORAGES["uploads"] = store("uploads", env.str("WORKSPACE_BUCKET_NAME", ""))
CORS_EXPOSE_HEADERS += [
    *("Location", "Tus-Extension", "Tus-Max-Size", "Tus-Resumable", "Tus-Version"),
    *("Upload-Expires", "Upload-Length", "Upload-Offset", "Content-Location"),
]

# workspace: the SQL explorer

WORKSPACE_EXPLORER_DATABASE_URL = env.str("WORKSPACE_EXPLORER_DATABASE_URL", "")
WORKSPACE_EXPLORER_HIDDEN = env.list("WORKSPACE_EXPLORER_HIDDEN", default=[])
if WORKSPACE_EXPLORER_DATABASE_URL:
    DATABASES["explorer"] = env.db_url("WORKSPACE_EXPLORER_DATABASE_URL")
else:
    # The same database, by a role of its own, which workspace/explorer/role.py makes.
    explorer_role = f"{database['NAME']}_explorer"
    DATABASES["explorer"] = database | {
        "USER": explorer_role,
        # The embedded server is reached by its socket alone and wants no password.
        "PASSWORD": ""
        if EMBEDDED_POSTGRES
        else hmac.new(
            SECRET_KEY.encode(), explorer_role.encode(), hashlib.sha256
        ).hexdigest(),
        "OPTIONS": {k: v for k, v in database["OPTIONS"].items() if k != "pool"},
    }


def EXPLORER_PERMISSION_VIEW(request):
    return request.user.has_perm("workspace.use_explorer")


EXPLORER_PERMISSION_CHANGE = EXPLORER_PERMISSION_VIEW
EXPLORER_NO_PERMISSION_VIEW = "workspace.explorer.pages.no_permission"
# Nothing is reported outside, and no connections but ours can be made or chosen.
EXPLORER_ENABLE_ANONYMOUS_STATS = False
EXPLORER_DB_CONNECTIONS_ENABLED = False
EXPLORER_USER_UPLOADS_ENABLED = False
EXPLORER_TOKEN_AUTH_ENABLED = False
EXPLORER_TASKS_ENABLED = False
EXPLORER_AI_API_KEY = None

# roadblock

HMAC_SECRET_KEY = env.str("HMAC_SECRET_KEY", "")
if not HMAC_SECRET_KEY:
    raise ImproperlyConfigured(
        "HMAC_SECRET_KEY is not set: the key that vehicles and server share. "
        "For local use, script/server makes one and keeps it in the data directory."
    )
ROADBLOCK_TICK_MS = env.int("ROADBLOCK_TICK_MS", 100)
ROADBLOCK_TRACK_INTERVAL = env.float("ROADBLOCK_TRACK_INTERVAL", 0.0)
ROADBLOCK_TRACK_KEEP_DAYS = env.int("ROADBLOCK_TRACK_KEEP_DAYS", 7)
ROADBLOCK_TRACK_QUEUE = env.int("ROADBLOCK_TRACK_QUEUE", 500_000)
ROADBLOCK_VEHICLE_RATE = env.int("ROADBLOCK_VEHICLE_RATE", 1_000)
ROADBLOCK_REPORT_RATE = env.int("ROADBLOCK_REPORT_RATE", 100)
ROADBLOCK_VEHICLE_TOKEN = env.bool("ROADBLOCK_VEHICLE_TOKEN", False)
ROADBLOCK_MAPS_DIR = (
    BASE_DIR / env.str("ROADBLOCK_MAPS_DIR", str(DATA_DIR / "maps"))
).resolve()
ROADBLOCK_DEFAULT_MAP_ID = env.int("ROADBLOCK_DEFAULT_MAP_ID", 4)
ROADBLOCK_REPLAN_SECONDS = env.float("ROADBLOCK_REPLAN_SECONDS", 3.0)  # 0: never
ROADBLOCK_REPLAN_GAIN = env.float("ROADBLOCK_REPLAN_GAIN", 0.05)
ROADBLOCK_HORIZON_SECONDS = env.float("ROADBLOCK_HORIZON_SECONDS", 90.0)
ROADBLOCK_SILENT_SECONDS = env.float("ROADBLOCK_SILENT_SECONDS", 15.0)
ROADBLOCK_PLAN_SECONDS = env.float("ROADBLOCK_PLAN_SECONDS", 1.0)
if ROADBLOCK_REPLAN_SECONDS > 0:
    CELERY_BEAT_SCHEDULE["replan-chases"] = {
        "task": "roadblock.tasks.replan_chases",
        "schedule": timedelta(seconds=ROADBLOCK_REPLAN_SECONDS),
        "options": {"expires": ROADBLOCK_REPLAN_SECONDS},
    }
ROADBLOCK_ALERT_SILENCE_SECONDS = env.float("ROADBLOCK_ALERT_SILENCE_SECONDS", 30.0)
ROADBLOCK_ALERT_PROXIMITY_METRES = env.float("ROADBLOCK_ALERT_PROXIMITY_METRES", 50.0)
ROADBLOCK_ALERT_KEEP_DAYS = env.int("ROADBLOCK_ALERT_KEEP_DAYS", 90)
ROADBLOCK_WEBHOOK_HOSTS = env.list("ROADBLOCK_WEBHOOK_HOSTS", default=[])
ROADBLOCK_WEBHOOK_URL = env.str("ROADBLOCK_WEBHOOK_URL", "")
ROADBLOCK_WEBHOOK_KEY = env.str("ROADBLOCK_WEBHOOK_KEY", "")
CELERY_BEAT_SCHEDULE["deliver-alerts"] = {
    "task": "roadblock.tasks.deliver_alerts",
    "schedule": timedelta(seconds=10),
    "options": {"expires": 9},
}
CELERY_BEAT_SCHEDULE["sweep-positions"] = {
    "task": "roadblock.tasks.sweep_positions",
    "schedule": timedelta(hours=1),
    "options": {"expires": 3300},
}

# diagnosis

# Empty: nobody signs up over HTTP; the admin makes accounts.
ADMIN_CODE = env.str("ADMIN_CODE", "")
ACCESS_TOKEN_EXPIRE_MINUTES = env.int("ACCESS_TOKEN_EXPIRE_MINUTES", 60)
REFRESH_TOKEN_EXPIRE_MINUTES = env.int("REFRESH_TOKEN_EXPIRE_MINUTES", 1440)
ALLOW_MULTIPLE_SESSIONS = env.bool("ALLOW_MULTIPLE_SESSIONS", True)
DIAGNOSIS_CODE_ONLY_SOCKETS = env.bool("DIAGNOSIS_CODE_ONLY_SOCKETS", False)
VR_CLIENT_USER_AGENTS = env.list("VR_CLIENT_USER_AGENTS", default=[])
VR_CLIENT_BLOCKED_USER_AGENTS = env.list("VR_CLIENT_BLOCKED_USER_AGENTS", default=[])
DIAGNOSIS_SESSION_LIFETIME = timedelta(
    seconds=env.int("DIAGNOSIS_SESSION_SECONDS", 1800)
)
DIAGNOSIS_UPLOAD_BYTES = env.int("DIAGNOSIS_UPLOAD_BYTES", 10 * 1024 * 1024)
CELERY_BEAT_SCHEDULE["expire-sessions"] = {
    "task": "diagnosis.tasks.expire_sessions",
    "schedule": timedelta(seconds=5),
    "options": {"expires": 4},
}
CELERY_BEAT_SCHEDULE["sweep-diagnosis-sign-ins"] = {
    "task": "diagnosis.tasks.sweep_sign_ins",
    "schedule": timedelta(hours=1),
    "options": {"expires": 3300},
}
# Recordings lie in a bucket where one is named, else on disk below DATA_DIR. The
# environment "local" has LocalStack for S3, where the bucket is made at need.
LOCAL_S3 = env.str("ENV", "production") == "local"
S3_BUCKET_NAME = env.str("S3_BUCKET_NAME", "") or ("test-bucket" if LOCAL_S3 else "")
STORAGES["recordings"] = store("recordings", S3_BUCKET_NAME)
if LOCAL_S3:
    STORAGES["recordings"]["OPTIONS"] |= {
        "endpoint_url": env.str("LOCALSTACK_ENDPOINT", "http://localstack:4566"),
        "access_key": "test",
        "secret_key": "test",
        "makes_bucket": True,
    }
CELERY_BEAT_SCHEDULE["find-unscored-recordings"] = {
    "task": "diagnosis.tasks.find_unscored",
    "schedule": timedelta(seconds=30),
    "options": {"expires": 25},
}

# charging


def rate(name, default):
    """Read a rate such as 30/min as (limit, seconds)."""
    text = env.str(name, default)
    limit, _slash, unit = text.partition("/")
    seconds = {"sec": 1, "min": 60, "hour": 3600, "day": 86400}.get(unit)
    if not limit.isdecimal() or int(limit) < 1 or seconds is None:
        raise ImproperlyConfigured(f"{name}={text}: write it like {default}.")
    return int(limit), seconds


def clock(name, default):
    """Read a time of day on the half hour, up to 24:00, as minutes."""
    text = env.str(name, default)
    minutes = [m for m in range(0, 1441, 30) if f"{m // 60:02}:{m % 60:02}" == text]
    if not minutes:
        raise ImproperlyConfigured(f"{name}={text}: write it like {default}.")
    return minutes[0]


BUSINESS_TIMEZONE = ZoneInfo(env.str("BUSINESS_TIMEZONE", "Asia/Seoul"))
BUSINESS_OPEN = clock("BUSINESS_OPEN", "09:00")
BUSINESS_CLOSE = clock("BUSINESS_CLOSE", "22:00")
AUTO_SEED_SESSIONS = env.bool("AUTO_SEED_SESSIONS", True)
CHARGING_SESSIONS_DAYS = env.int("CHARGING_SESSIONS_DAYS", 30)
CHARGING_NO_SHOW_MINUTES = env.int("CHARGING_NO_SHOW_MINUTES", 0)  # 0: never
CHARGING_OVERSTAY_MINUTES = env.int("CHARGING_OVERSTAY_MINUTES", 10)
CHARGING_OFFER_MINUTES = env.int("CHARGING_OFFER_MINUTES", 10)
CHARGING_SIGHTING_KEEP_DAYS = env.int("CHARGING_SIGHTING_KEEP_DAYS", 90)
CHARGING_GUEST_CREATE_RATE = rate("CHARGING_GUEST_CREATE_RATE", "30/min")
CHARGING_GUEST_READ_RATE = rate("CHARGING_GUEST_READ_RATE", "600/min")
CHARGING_GUEST_MATCH_RATE = rate("CHARGING_GUEST_MATCH_RATE", "120/min")
CHARGING_GUEST_RECOGNITION_RATE = rate("CHARGING_GUEST_RECOGNITION_RATE", "20/min")
CHARGING_LOGIN_FAILURE_RATE = rate("CHARGING_LOGIN_FAILURE_RATE", "20/min")
PLATE_SERVICE_MODE = env.str("PLATE_SERVICE_MODE", "gptapi")
PLATE_SERVICE_URL = env.str("PLATE_SERVICE_URL", "http://localhost:8001/v1/recognize")
PLATE_SERVICE_TIMEOUT = env.float("PLATE_SERVICE_TIMEOUT", 60.0)
PLATE_IMAGE_MAX_BYTES = env.int("PLATE_IMAGE_MAX_BYTES", 10 * 1024 * 1024)
# A recogniser that is less sure than this has read nothing; 0 trusts everything.
PLATE_MIN_CONFIDENCE = env.float("PLATE_MIN_CONFIDENCE", 0.0)
PLATE_OPENAI_MODEL = env.str("PLATE_OPENAI_MODEL", "gpt-5-mini")
PLATE_OPENAI_PROMPT = env.str(
    "PLATE_OPENAI_PROMPT",
    "Read the number plate of the vehicle in this picture. Answer with the characters "
    "of the plate on one line and with nothing else. If there is no readable plate, "
    "answer with an empty line.",
)
PLATE_OPENAI_DAILY_CAP = env.int("PLATE_OPENAI_DAILY_CAP", 2000)  # 0: no cap
OPENAI_BASE_URL = env.str("OPENAI_BASE_URL", "https://api.openai.com/v1")
OPENAI_API_KEY = env.str("OPENAI_API_KEY", "").strip()
OPENAI_KEY_FILE = BASE_DIR / "openai-key.txt"
if not OPENAI_API_KEY and OPENAI_KEY_FILE.is_file():
    OPENAI_API_KEY = OPENAI_KEY_FILE.read_text("utf-8").strip()
BATTERY_DATABASE_URL = env.str("BATTERY_DATABASE_URL", "") or env.str(
    "FIREBASE_DATABASE_URL", ""
)
BATTERY_DATABASE_PATH = env.str("BATTERY_DATABASE_PATH", "/car-battery-now")
BATTERY_DATABASE_AUTH = env.str("BATTERY_DATABASE_AUTH", "")
CORS_ALLOWED_ORIGINS += env.list("CORS_ORIGINS", default=[])
CELERY_BEAT_SCHEDULE["charging-keep-watch"] = {
    "task": "charging.tasks.keep_watch",
    "schedule": timedelta(seconds=15),
    "options": {"expires": 14},
}
CELERY_BEAT_SCHEDULE["charging-sweep"] = {
    "task": "charging.tasks.sweep",
    "schedule": timedelta(hours=1),
    "options": {"expires": 3300},
}

# sshops: terminals, recordings, the audit log

SSHOPS_AUDIT_KEY = env.str("SSHOPS_AUDIT_KEY", "")
SSHOPS_DETACH_MINUTES = env.float("SSHOPS_DETACH_MINUTES", 30.0)
SSHOPS_SCROLLBACK_BYTES = env.int("SSHOPS_SCROLLBACK_BYTES", 1 << 21)
SSHOPS_MAX_TERMINALS = env.int("SSHOPS_MAX_TERMINALS", 200)
SSHOPS_TERMINALS_SOCKET = (
    env.str("SSHOPS_TERMINALS_SOCKET", "") or EMBEDDED.sockets / "terminals.sock"
)
SSHOPS_RECORDINGS_DIR = DATA_DIR / "terminals"
SSHOPS_RECORDING_STRICT = env.bool("SSHOPS_RECORDING_STRICT", False)
SSHOPS_RECORDING_BYTES = env.int("SSHOPS_RECORDING_BYTES", 1 << 30)
SSHOPS_RECORDING_KEEP_DAYS = env.int("SSHOPS_RECORDING_KEEP_DAYS", 90)

# sshops

SSHOPS_CONNECT_TIMEOUT = env.float("SSHOPS_CONNECT_TIMEOUT", 10.0)
SSHOPS_CONNECTING = env.int("SSHOPS_CONNECTING", 128)
SSHOPS_RUNS = env.int("SSHOPS_RUNS", 256)
SSHOPS_TRUST_ON_FIRST_USE = env.bool("SSHOPS_TRUST_ON_FIRST_USE", False)
SSHOPS_COMMAND_TIMEOUT = env.float("SSHOPS_COMMAND_TIMEOUT", 0.0)  # 0: none
SSHOPS_THROTTLE_INTERVAL = env.float("SSHOPS_THROTTLE_INTERVAL", 0.1)
SSHOPS_AUDIT_INPUT = env.bool("SSHOPS_AUDIT_INPUT", False)
SSHOPS_TIME_ZONE = ZoneInfo(env.str("SSHOPS_TIME_ZONE", "Asia/Seoul"))
SSHOPS_HEALTH_INTERVAL = env.float("SSHOPS_HEALTH_INTERVAL", 30.0)
SSHOPS_HEALTH_TIMEOUT = env.float("SSHOPS_HEALTH_TIMEOUT", 5.0)
SSHOPS_HEALTH_LOGIN = env.bool("SSHOPS_HEALTH_LOGIN", False)
SSHOPS_HEALTH_KEEP_HOURS = env.int("SSHOPS_HEALTH_KEEP_HOURS", 24)
# What the replaced service read; its servers are made where these are given.
SSHOPS_SEEDED_SERVERS = {
    "mdwap1p": (env.str("MDWAP1P_IP", ""), env.int("MDWAP1P_PORT", 22)),
    "mypap1d": (env.str("MYPAP1D_IP", ""), env.int("MYPAP1D_PORT", 22)),
}
SSHOPS_SEEDED_USERNAME = env.str("HIWARE_ID", "")
SSHOPS_SEEDED_PASSWORD = env.str("HIWARE_PW", "")
SSHOPS_TRANSFER_TIMEOUT = env.float("SSHOPS_TRANSFER_TIMEOUT", 3600.0)  # 0: none
SSHOPS_UPLOAD_KEEP_DAYS = env.int("SSHOPS_UPLOAD_KEEP_DAYS", 7)
# Transfers last long: they have workers of their own.
CELERY_TASK_ROUTES = {"sshops.tasks.run_transfer": {"queue": "transfers"}}
CELERY_BEAT_SCHEDULE["sshops-find-transfers"] = {
    "task": "sshops.tasks.find_transfers",
    "schedule": timedelta(seconds=5),
    "options": {"expires": 4},
}
CELERY_BEAT_SCHEDULE["sshops-check-health"] = {
    "task": "sshops.tasks.check_health",
    # A look at whether a round is due.
    "schedule": timedelta(seconds=min(2.0, max(0.5, SSHOPS_HEALTH_INTERVAL))),
    "options": {"expires": 2},
}
CELERY_BEAT_SCHEDULE["sshops-sweep"] = {
    "task": "sshops.tasks.sweep",
    "schedule": timedelta(hours=1),
    "options": {"expires": 3300},
}
