"""Yes or no, as judged from both the passage and the sentence by itself, with that sentence.

If the two judgements differ or the judge is less sure, the sentence stands alone: it still answers
whoever reads it, and a wrong "yes" in front of it would be worse than none.
"""

from __future__ import annotations

import re

from assistant.answering.findings import WANTED, Finding, Material, log_odds, probability, signals
from assistant.answering.sentences import most_likely, told
from assistant.question.intent import Form
from assistant.reading.reader import Reading, Scored, Verdict

# Log-odds between yes and no from which 88 of 100 unseen questions are judged correctly.
_SURE = 1.5

_OR = re.compile(r"\bor\b(?! not\b)", re.IGNORECASE)


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
        best = max(judged, key=_telling)
        verdict = best.verdict or Verdict(0.0, 0.0, 1.0)
        yes, no = verdict.supported, verdict.contradicted
        chosen = most_likely(best)
        span = chosen.span
        known = signals(material, best, Scored(span.start, span.end, best.score))
        known["sure"] = log_odds(max(yes, no))
        known["against"] = log_odds(min(yes, no))
        known["stated"] = log_odds(1.0 - verdict.not_stated)
        claims = told([chosen], 1, material.asked)
        alone = material.alone(best.passage, span).verdict or verdict
        sure = log_odds(alone.supported) - log_odds(alone.contradicted)
        either = _OR.search(material.question.text)  # "yes" or "no" would not choose between them
        if abs(sure) < _SURE or (sure > 0) != (yes > no) or either:
            return Finding(self.form, claims, known, readings=(best,))
        short, lead = ("Yes", "affirmed") if sure > 0 else ("No", "denied")
        return Finding(self.form, claims, known, short, lead, readings=(best,))


def _telling(reading: Reading) -> float:
    """How likely it is that the passage says yes or no and has a sentence the answer rests on."""
    evidence = probability(max(one.score for one in reading.sentences))
    return evidence * (1.0 - reading.verdict.not_stated) if reading.verdict else 0.0
