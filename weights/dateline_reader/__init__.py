"""The weights of Dateline's strong reader, as files beside this one: MODEL_CARD.md says what they are."""
