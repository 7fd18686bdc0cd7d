"""Yes or no, as the judge says, with the sentence it rests on.

If the judge is less sure, the sentence stands alone: it answers whoever reads it, and a wrong "yes" in
front of it would be worse than none.
"""

from __future__ import annotations

from assistant.answering.findings import WANTED, Finding, Material, log_odds, signals
from assistant.answering.sentences import Sentence, told
from assistant.question.intent import Form
from assistant.reading.reader import Scored

_SURE = 4.0  # log-odds between yes and no from which 86 of 100 unseen claims are judged rightly


class Verdicts:
    form = calibrated_as = "verdict"
    wanted: tuple[Form, ...] = ("yesno",)
    suits = wanted

    def __call__(self, material: Material) -> Finding | None:
        if material.leaning(self.wanted) < WANTED:
            return None
        judged = [reading for reading in material.close if reading.verdict and reading.sentences]
        if not judged:
            return None
        yes = max(r.verdict.supported for r in judged if r.verdict)
        no = max(r.verdict.contradicted for r in judged if r.verdict)
        best = max(
            judged,
            key=lambda r: max(r.verdict.supported, r.verdict.contradicted) if r.verdict else 0.0,
        )
        number, span = max(enumerate(best.sentences), key=lambda pair: pair[1].score)
        known = signals(material, best, Scored(span.start, span.end, best.score))
        known["sure"] = log_odds(max(yes, no))
        known["against"] = log_odds(min(yes, no))
        known["stated"] = log_odds(1.0 - (best.verdict.not_stated if best.verdict else 1.0))
        claims = told([Sentence(best, number, span)], 1)
        if known["sure"] - known["against"] < _SURE:
            return Finding(self.form, claims, known, readings=(best,))
        short, lead = ("Yes", "affirmed") if yes >= no else ("No", "denied")
        return Finding(self.form, claims, known, short, lead, readings=(best,))
