"""English as it stands in questions and articles: words, names, dates, amounts, who says what.

Works on text alone; knows neither an index, nor the reader, nor an answer.
"""
