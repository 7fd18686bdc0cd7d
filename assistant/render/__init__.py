"""Answer -> text, Markdown and HTML, the same for the command line, the page and the API.

    plain       for a terminal
    markdown    for a file
    chat        for other programs' chats
    html        for a chat bubble of the page
    quoted      quotes in an article, and the addresses that open it there
    parts       what the formats have in common
    text        words, names and days on one line

What articles and models wrote is only ever shown, never obeyed: it is escaped for its target
format, control characters are made visible, and a mark [n] is a citation only if the answer has a
citation of that number; any other is written (n). Pure functions: nothing here opens an index, a
page or a terminal.
"""
