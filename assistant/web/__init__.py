"""What the page and the API do for a visitor: answer, add, remember, look up, and control access.

Nothing here knows Gradio, and little knows FastAPI: `assistant.page` draws the page,
`assistant.api` serves it.
"""
