"""What the page and the API do for a visitor: ask, add, remember, look up, keep others out.

Nothing here knows Gradio, and little FastAPI: `assistant.page` draws it, `assistant.api` serves it.
"""
