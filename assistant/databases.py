"""The SQLite databases that lie beside the articles in an index's folder, and how each is created.

    Assistant.open    hands BACKED_UP to the index, whose backups then hold these too
    dateline restore  restores only these
    POSTGRES          creates the same tables in an index's schema, for articles in PostgreSQL

Only the tables: the code that uses them is in `assistant.web`.
"""

from __future__ import annotations

import sqlite3

from vectorstore.database import Database

_CONVERSATIONS = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE conversations (
    id TEXT PRIMARY KEY,
    visitor TEXT NOT NULL,
    title TEXT NOT NULL,
    filters TEXT NOT NULL,
    changed REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX conversations_by_visitor ON conversations (visitor, changed);
CREATE TABLE exchanges (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    conversation TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    question TEXT NOT NULL,
    filters TEXT NOT NULL,
    state TEXT NOT NULL,
    answer TEXT,
    failure TEXT NOT NULL DEFAULT '',
    verdict TEXT,
    asked REAL NOT NULL
);
CREATE INDEX exchanges_by_conversation ON exchanges (conversation, key);
CREATE TABLE quoted (
    article TEXT NOT NULL,
    exchange INTEGER NOT NULL REFERENCES exchanges (key) ON DELETE CASCADE,
    PRIMARY KEY (article, exchange)
) WITHOUT ROWID;
CREATE INDEX quoted_by_exchange ON quoted (exchange)
"""


def _make_conversations(db: sqlite3.Connection) -> None:
    for statement in _CONVERSATIONS.split(";\n"):
        db.execute(statement)


# Quotes that a visitor saved, as they stood then: kept whatever happens to the article and answer.
_QUOTES = """
CREATE TABLE quotes (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    visitor TEXT NOT NULL,
    citation TEXT NOT NULL,
    authors TEXT NOT NULL,
    note TEXT NOT NULL,
    saved REAL NOT NULL
);
CREATE INDEX quotes_by_visitor ON quotes (visitor, key)
"""


def _make_quotes(db: sqlite3.Connection) -> None:
    for statement in _QUOTES.split(";\n"):
        db.execute(statement)


# Why an answer was not helpful, if its reader said.
def _make_reasons(db: sqlite3.Connection) -> None:
    db.execute("ALTER TABLE exchanges ADD COLUMN reason TEXT")
    db.execute("ALTER TABLE exchanges ADD COLUMN remark TEXT NOT NULL DEFAULT ''")


# Which chat model was chosen for a conversation, and for a question; "" is the first
# configured one.
def _make_models(db: sqlite3.Connection) -> None:
    for table in ("conversations", "exchanges"):
        db.execute(f"ALTER TABLE {table} ADD COLUMN model TEXT NOT NULL DEFAULT ''")


# Who has logged in. Proofs, not tokens: whoever reads the file cannot impersonate anyone.
_SESSIONS = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE sessions (proof TEXT PRIMARY KEY, ends REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE browsers (proof TEXT PRIMARY KEY, seen REAL NOT NULL) WITHOUT ROWID
"""


def _make_sessions(db: sqlite3.Connection) -> None:
    for statement in _SESSIONS.split(";\n"):
        db.execute(statement)


# The subscriptions. Each row bears this computer's seal: an index from elsewhere brings no orders
# to read a folder or fetch an address.
_SUBSCRIPTIONS = """
CREATE TABLE subscriptions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL UNIQUE,
    every REAL NOT NULL,
    seal TEXT NOT NULL,
    wished INTEGER NOT NULL DEFAULT 0,
    tried REAL NOT NULL DEFAULT 0,
    succeeded REAL NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '',
    result TEXT NOT NULL DEFAULT ''
)
"""


def _make_subscriptions(db: sqlite3.Connection) -> None:
    db.execute(_SUBSCRIPTIONS)


# Seconds for which a server asked to be left alone when it was last asked.
def _make_waits(db: sqlite3.Connection) -> None:
    db.execute("ALTER TABLE subscriptions ADD COLUMN wait REAL NOT NULL DEFAULT 0")


# Which programs may ask, and what else they may do. Hashes of keys, each with this computer's seal:
# an index from elsewhere brings no keys that open it.
_KEYS = """
CREATE TABLE keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    can TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE,
    seal TEXT NOT NULL,
    created REAL NOT NULL,
    used REAL NOT NULL DEFAULT 0
)
"""


def _make_keys(db: sqlite3.Connection) -> None:
    db.execute(_KEYS)


_ANEW = "Move it away to start afresh; the articles are kept elsewhere and not touched."

CONVERSATIONS = Database(
    "conversations.sqlite",
    0x44544C43,  # "DTLC"
    (_make_conversations, _make_quotes, _make_reasons, _make_models),
    "conversations",
    _ANEW,
)
SESSIONS = Database(
    "sessions.sqlite",
    0x44544C53,  # "DTLS"
    (_make_sessions,),
    "sessions",
    "Move it away: everybody then logs in again.",
)
SUBSCRIPTIONS = Database(
    "subscriptions.sqlite",
    0x44544C55,  # "DTLU"
    (_make_subscriptions, _make_waits),
    "subscriptions",
    _ANEW,
)
KEYS = Database(
    "keys.sqlite",
    0x44544C4B,  # "DTLK"
    (_make_keys,),
    "keys",
    "Move it away, and make the keys anew with `dateline key create`.",
)

BACKED_UP = (CONVERSATIONS, SUBSCRIPTIONS)  # sessions and keys belong to this computer alone

# All of them, in the schema of an index; `meta` belongs to the index itself. Removed rows are put
# back under their old keys, so keys are not always generated.
_SHARED = """
CREATE TABLE beside_format (version INTEGER NOT NULL);
CREATE TABLE conversations (
    id TEXT COLLATE "C" PRIMARY KEY,
    visitor TEXT COLLATE "C" NOT NULL,
    title TEXT COLLATE "C" NOT NULL,
    filters TEXT COLLATE "C" NOT NULL,
    changed DOUBLE PRECISION NOT NULL,
    model TEXT COLLATE "C" NOT NULL DEFAULT ''
);
CREATE INDEX conversations_by_visitor ON conversations (visitor, changed);
CREATE TABLE exchanges (
    key BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    id TEXT COLLATE "C" NOT NULL UNIQUE,
    conversation TEXT COLLATE "C" NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    question TEXT COLLATE "C" NOT NULL,
    filters TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    answer TEXT COLLATE "C",
    failure TEXT COLLATE "C" NOT NULL DEFAULT '',
    verdict TEXT COLLATE "C",
    asked DOUBLE PRECISION NOT NULL,
    reason TEXT COLLATE "C",
    remark TEXT COLLATE "C" NOT NULL DEFAULT '',
    model TEXT COLLATE "C" NOT NULL DEFAULT ''
);
CREATE INDEX exchanges_by_conversation ON exchanges (conversation, key);
CREATE TABLE quoted (
    article TEXT COLLATE "C" NOT NULL,
    exchange BIGINT NOT NULL REFERENCES exchanges (key) ON DELETE CASCADE,
    PRIMARY KEY (article, exchange)
);
CREATE INDEX quoted_by_exchange ON quoted (exchange);
CREATE TABLE quotes (
    key BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    id TEXT COLLATE "C" NOT NULL UNIQUE,
    visitor TEXT COLLATE "C" NOT NULL,
    citation TEXT COLLATE "C" NOT NULL,
    authors TEXT COLLATE "C" NOT NULL,
    note TEXT COLLATE "C" NOT NULL,
    saved DOUBLE PRECISION NOT NULL
);
CREATE INDEX quotes_by_visitor ON quotes (visitor, key);
CREATE TABLE sessions (proof TEXT COLLATE "C" PRIMARY KEY, ends DOUBLE PRECISION NOT NULL);
CREATE TABLE browsers (proof TEXT COLLATE "C" PRIMARY KEY, seen DOUBLE PRECISION NOT NULL);
CREATE INDEX browsers_by_seen ON browsers (seen);
CREATE TABLE subscriptions (
    id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    source TEXT COLLATE "C" NOT NULL UNIQUE,
    every DOUBLE PRECISION NOT NULL,
    seal TEXT COLLATE "C" NOT NULL,
    wished INTEGER NOT NULL DEFAULT 0,
    tried DOUBLE PRECISION NOT NULL DEFAULT 0,
    succeeded DOUBLE PRECISION NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    error TEXT COLLATE "C" NOT NULL DEFAULT '',
    result TEXT COLLATE "C" NOT NULL DEFAULT ''
);
CREATE TABLE keys (
    id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    can TEXT COLLATE "C" NOT NULL,
    digest TEXT COLLATE "C" NOT NULL UNIQUE,
    seal TEXT COLLATE "C" NOT NULL,
    created DOUBLE PRECISION NOT NULL,
    used DOUBLE PRECISION NOT NULL DEFAULT 0
)
"""
_WAITS = "ALTER TABLE subscriptions ADD COLUMN wait DOUBLE PRECISION NOT NULL DEFAULT 0"
POSTGRES: tuple[str, ...] = (_SHARED, _WAITS)
