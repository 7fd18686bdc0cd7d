"""Yes or no, as judged from both the passage and the sentence by itself, with that sentence.

If the two judgements differ or the judge is less sure, the sentence stands alone: it still answers
whoever reads it, and a wrong "yes" in front of it would be worse than none.
"""

from __future__ import annotations

import re

from assistant.answering.findings import WANTED, Finding, Material, log_odds, probability, signals
from assistant.answering.sentences import Sentence, most_likely, told
from assistant.question.intent import Form
from assistant.reading.reader import Reading, Scored, Verdict

# Log-odds between yes and no from which 88 of 100 unseen questions are judged correctly.
_SURE = 1.5

# The briefest answer, and the phrase that an answer begins with.
LEADS = {True: ("Yes", "affirmed"), False: ("No", "denied")}

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
        best = max(judged, key=telling)
        verdict = best.verdict or Verdict(0.0, 0.0, 1.0)
        yes, no = verdict.supported, verdict.contradicted
        chosen, odds = settled(material, best)
        span = chosen.span
        known = signals(material, best, Scored(span.start, span.end, best.score))
        known["sure"] = log_odds(max(yes, no))
        known["against"] = log_odds(min(yes, no))
        known["stated"] = log_odds(1.0 - verdict.not_stated)
        claims = told([chosen], 1, material.asked)
        either = _OR.search(material.question.text)  # "yes" or "no" would not choose between them
        if not odds or either:
            return Finding(self.form, claims, known, readings=(best,))
        short, lead = LEADS[odds > 0]
        return Finding(self.form, claims, known, short, lead, readings=(best,))


def settled(material: Material, reading: Reading) -> tuple[Sentence, float]:
    """The sentence of a reading that most likely says yes or no, and the log-odds of yes to no by
    itself; 0 if those are not sure, or the passage is judged otherwise."""
    chosen = most_likely(reading)
    verdict = reading.verdict or Verdict(0.0, 0.0, 1.0)
    alone = material.alone(reading.passage, chosen.span).verdict or verdict
    odds = log_odds(alone.supported) - log_odds(alone.contradicted)
    agrees = (odds > 0) == (verdict.supported > verdict.contradicted)
    return chosen, odds if agrees and abs(odds) >= _SURE else 0.0


def telling(reading: Reading) -> float:
    """How likely it is that the passage says yes or no and has a sentence the answer rests on."""
    evidence = probability(max(one.score for one in reading.sentences))
    return evidence * (1.0 - reading.verdict.not_stated) if reading.verdict else 0.0
