"""Word search in PostgreSQL: a row for each token of each passage, ranked as SQLite's word search ranks.

    words = WordSearch(schema, most=30_000)
    words.put([Words(7, "harbour conference ends", "the conference was held in dakar")])
    words.search(["harbour", "dakar"], 10, None)        the keys of the best vectors

Words are found by the tokens that SQLite's word search makes, and ranked by the same numbers:
`postings` has a row for each token of each passage, and one index finds those of a token.

    EXPLAIN ANALYZE of a search for four words among a million passages, shortened:
      Nested Loop (rows=32660)
        ->  HashAggregate (rows=32660)  Group Key: passage
              ->  Nested Loop (rows=33025)
                    ->  Function Scan on q (rows=4)
                    ->  Index Only Scan using postings_pkey on postings (rows=8256 loops=4)
                          Index Cond: (term = q.term)  Heap Fetches: 0
        ->  Index Scan using passages_pkey on passages (rows=1 loops=32660)
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from vectorstore.folding import folded
from vectorstore.stores import Words
from vectorstore.stores.postgres.connections import Schema
from vectorstore.stores.ranking import FEWEST, RANKED_AGAIN, divided
from vectorstore.stores.tokens import Tokens, forms

# BM25 as FTS5 computes it (k1 = 1.2, b = 0.75), term by term in the order of the question: not even
# the last bit of a sum may differ, or passages of equal rank would change places.
_SEARCH = """
WITH q AS (
    SELECT * FROM unnest(%s::bigint[], %s::integer[], %s::float8[]) AS q (term, number, idf)
), found AS (
    SELECT passage, number, idf, frequency::float8 AS frequency, length FROM q JOIN postings USING (term)
    UNION ALL
    SELECT * FROM unnest(%s::bigint[], %s::integer[], %s::float8[], %s::float8[], %s::integer[])
), scored AS (
    SELECT passage, {total} AS score FROM (
        SELECT passage, number, idf * ((frequency * 2.2::float8) / (frequency + 1.2::float8
            * (0.25::float8 + 0.75::float8 * length / %s::float8))) AS part
        FROM found) AS parts
    GROUP BY passage
)
SELECT vector, max(score) AS score FROM scored JOIN passages ON passages.key = scored.passage
{among} GROUP BY vector ORDER BY max(score) DESC, vector LIMIT %s
"""
# What further terms add to texts that were found: looked up passage by passage.
_ADDED = """
SELECT vector, max(part) AS part FROM (
    SELECT vector, passages.key, sum(idf * ((frequency * 2.2::float8) / (frequency + 1.2::float8
        * (0.25::float8 + 0.75::float8 * length / %s::float8)))) AS part
    FROM passages CROSS JOIN unnest(%s::bigint[], %s::float8[]) AS q (term, idf)
    JOIN postings ON postings.term = q.term AND postings.passage = passages.key
    WHERE vector = ANY(%s::bigint[]) GROUP BY vector, passages.key
) AS parts GROUP BY vector
"""
_PART = "coalesce(max(part) FILTER (WHERE number = {}), 0::float8)"
_EXAMINED = 2_000  # passages at most that are read for words of several tokens, newest first


class WordSearch:
    """The words of a schema's passages, searched as `Store` says. May be used from several threads.
    A search looks up terms with at most so many postings in total; the commoner ones only rank."""

    def __init__(self, schema: Schema, most: int) -> None:
        self._schema = schema
        self._most = most
        self._tokens = Tokens()

    def put(self, passages: Sequence[Words]) -> None:
        if not passages:
            return
        counted, lengths = self._tokens.counted(passages), self._tokens.lengths(passages)
        having = Counter(token for tokens in counted.values() for token in tokens)
        with self._schema.writer().cursor() as cursor:
            with cursor.copy("COPY words (passage, length) FROM STDIN") as copy:
                for row in lengths.items():
                    copy.write_row(row)
            with cursor.copy("COPY postings (term, passage, frequency, length) FROM STDIN") as copy:
                for passage, tokens in counted.items():
                    for token, frequency in tokens.items():
                        copy.write_row((_term(token), passage, frequency, lengths[passage]))
        self._schema.run(
            "INSERT INTO terms SELECT * FROM unnest(%s::bigint[], %s::text[], %s::bigint[]) "
            "ON CONFLICT (term) DO UPDATE SET passages = terms.passages + excluded.passages",
            ([_term(token) for token in having], [*having], [*having.values()]),
        )
        self._schema.run(
            "UPDATE totals SET passages = passages + %s, tokens = tokens + %s",
            (len(lengths), sum(lengths.values())),
        )

    def drop(self, passages: Sequence[int]) -> None:
        gone = [*passages]
        self._schema.run(
            "WITH gone AS (DELETE FROM words WHERE passage = ANY(%s::bigint[]) RETURNING length) "
            "UPDATE totals SET passages = passages - (SELECT count(*) FROM gone), "
            "tokens = tokens - (SELECT coalesce(sum(length), 0) FROM gone)",
            (gone,),
        )
        left = self._schema.run(
            "WITH gone AS (DELETE FROM postings WHERE passage = ANY(%s::bigint[]) RETURNING term), "
            "less AS (SELECT term, count(*) AS number FROM gone GROUP BY term) "
            "UPDATE terms SET passages = passages - number FROM less WHERE less.term = terms.term "
            "RETURNING terms.term AS term, passages",
            (gone,),
        )
        self._schema.run(
            "DELETE FROM terms WHERE term = ANY(%s::bigint[])",
            ([row["term"] for row in left if row["passages"] <= 0],),
        )

    def clear(self) -> None:
        for table in ("words", "postings", "terms"):
            self._schema.run(f"DELETE FROM {table}")  # noqa: S608 -- not TRUNCATE: others keep searching
        self._schema.run("UPDATE totals SET passages = 0, tokens = 0")

    def search(self, terms: Sequence[str], k: int, articles: Sequence[int] | None) -> list[int]:
        phrases = [phrase for phrase in self._tokens.phrases(terms) if phrase]
        with self._schema.snapshot():
            (totals,) = self._schema.select("SELECT passages, tokens FROM totals")
            if not phrases or not totals["tokens"]:
                return []
            single = {
                number: _term(phrase[0])
                for number, phrase in enumerate(phrases)
                if len(phrase) == 1
            }
            rows = self._schema.select(
                "SELECT term, passages FROM terms WHERE term = ANY(%s::bigint[])",
                ([*single.values()],),
            )
            numbers = {row["term"]: row["passages"] for row in rows}
            having = {n: numbers[term] for n, term in single.items() if term in numbers}
            weights = {n: _idf(totals["passages"], number) for n, number in having.items()}
            looked_up, common = [*having], list[int]()
            if sum(having.values()) > self._most and len(phrases) > FEWEST:
                looked_up, common = divided(having, self._most)
            usual = totals["tokens"] / totals["passages"]
            statement, values = self._ranking(
                phrases,
                [(single[n], n, weights[n]) for n in sorted(looked_up)],
                totals["passages"],
                usual,
                articles,
            )
            wanted = max(k, RANKED_AGAIN) if common else k
            found = [
                (row["score"], row["vector"])
                for row in self._schema.select(statement, (*values, wanted))
            ]
            if not common:
                return [vector for _, vector in found]
            again = found[:RANKED_AGAIN]
            rows = self._schema.select(
                _ADDED,
                (
                    usual,
                    [single[n] for n in common],
                    [weights[n] for n in common],
                    [vector for _, vector in again],
                ),
            )
            added = {row["vector"]: row["part"] for row in rows}
            ranked = sorted((-score - added.get(vector, 0.0), vector) for score, vector in again)
            return [vector for _, vector in (*ranked, *found[RANKED_AGAIN:])][:k]

    def vocabulary(self, shortest: int, longest: int) -> dict[str, int]:
        rows = self._schema.select(
            "SELECT word, passages FROM terms WHERE length(word) BETWEEN %s AND %s",
            (shortest, longest),
        )
        return {row["word"]: row["passages"] for row in rows}

    def as_written(self, stem: str) -> Counter[str]:
        (phrase,) = self._tokens.phrases([stem])
        if len(phrase) != 1:
            return Counter()
        found = self._schema.select(
            "SELECT passage FROM postings WHERE term = %s ORDER BY passage LIMIT 5",
            (_term(phrase[0]),),
        )
        passages = self._words_of([row["passage"] for row in found])
        return forms([(each.title, each.text) for each in passages], stem)

    def agree(self, passages: Sequence[Words]) -> bool:
        counted, lengths = self._tokens.counted(passages), self._tokens.lengths(passages)
        wanted = {
            (_term(token), passage, frequency, lengths[passage])
            for passage, tokens in counted.items()
            for token, frequency in tokens.items()
        }
        keys = [passage.passage for passage in passages]
        found = self._schema.select(
            "SELECT term, passage, frequency, length FROM postings WHERE passage = ANY(%s::bigint[])",
            (keys,),
        )
        held = {(row["term"], row["passage"], row["frequency"], row["length"]) for row in found}
        kept = self._schema.select(
            "SELECT passage, length FROM words WHERE passage = ANY(%s::bigint[])", (keys,)
        )
        return held == wanted and {row["passage"]: row["length"] for row in kept} == lengths

    def are_sound(self) -> bool:
        (row,) = self._schema.select(
            """SELECT passages = (SELECT count(*) FROM passages)
                  AND passages = (SELECT count(*) FROM words)
                  AND tokens = (SELECT coalesce(sum(length), 0) FROM words)
                  AND (SELECT coalesce(sum(passages), 0) FROM terms) = (SELECT count(*) FROM postings)
                  AS sound FROM totals""",
        )
        return bool(row["sound"])

    def _ranking(
        self,
        phrases: Sequence[tuple[str, ...]],
        terms: Sequence[tuple[int, int, float]],
        passages: int,
        usual: float,
        articles: Sequence[int] | None,
    ) -> tuple[str, list[Any]]:
        """The statement that ranks passages by these terms (each with its number among the phrases
        and its weight) and by all phrases of several tokens, and its values except the last;
        `passages` is how many there are, `usual` the mean number of tokens in one."""
        several: list[tuple[int, int, float, float, int]] = []
        for number, phrase in enumerate(phrases):
            if len(phrase) > 1:
                times = self._tokens.occurrences(self._having_all(phrase), phrase)
                idf = _idf(passages, len(times))
                lengths = self._schema.select(
                    "SELECT passage, length FROM words WHERE passage = ANY(%s::bigint[])",
                    ([*times],),
                )
                several += [
                    (row["passage"], number, idf, times[row["passage"]], row["length"])
                    for row in lengths
                ]
        numbers = sorted({number for _, number, *_ in (*terms, *several)}) or [0]
        statement = _SEARCH.format(
            total=" + ".join(_PART.format(number) for number in numbers),
            among="" if articles is None else "WHERE article = ANY(%s::bigint[])",
        )
        columns = [[row[at] for row in terms] for at in range(3)]
        columns += [[row[at] for row in several] for at in range(5)]
        values: list[Any] = [*columns, usual]
        return statement, values if articles is None else [*values, [*articles]]

    def _having_all(self, phrase: tuple[str, ...]) -> list[Words]:
        """The passages that have all of these tokens anywhere."""
        wanted = [*{_term(token) for token in phrase}]
        found = self._schema.select(
            "SELECT passage FROM postings WHERE term = ANY(%s::bigint[]) GROUP BY passage "
            "HAVING count(*) = %s ORDER BY passage DESC LIMIT %s",
            (wanted, len(wanted), _EXAMINED),
        )
        return self._words_of([row["passage"] for row in found])

    def _words_of(self, passages: Sequence[int]) -> list[Words]:
        rows = self._schema.select(
            """SELECT passages.key AS key, title, text, start, "end" FROM passages
               JOIN articles ON articles.key = article
               WHERE passages.key = ANY(%s::bigint[]) ORDER BY passages.key""",
            ([*passages],),
        )
        return [
            Words(row["key"], folded(row["title"]), folded(row["text"][row["start"] : row["end"]]))
            for row in rows
        ]


@lru_cache(100_000)
def _term(token: str) -> int:
    return int.from_bytes(blake2b(token.encode(), digest_size=8).digest(), signed=True)


def _idf(passages: int, having: int) -> float:
    idf = math.log((passages - having + 0.5) / (having + 0.5))
    return idf if idf > 0.0 else 1e-6
