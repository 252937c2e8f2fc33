"""The pages that people see when they log in and out: plain HTML, without a script."""

import base64
from hashlib import sha256
from html import escape
from urllib.parse import urlsplit

from fastapi.responses import HTMLResponse

STYLE = """
:root { color-scheme: light dark; font: 100%/1.5 system-ui, sans-serif; }
body { display: grid; place-items: center; min-height: 100vh; margin: 0; }
main { width: min(22rem, 90vw); }
label, input, button { display: block; width: 100%; box-sizing: border-box; font: inherit; }
label { margin-top: 1rem; }
input, button { padding: 0.6rem; border: 1px solid GrayText; border-radius: 0.3rem; }
button { margin-top: 1.5rem; background: #1a56db; color: #fff; border: 0; }
input:focus-visible, button:focus-visible { outline: 3px solid Highlight; outline-offset: 2px; }
.problem { border-left: 4px solid #c00; padding-left: 0.8rem; }
"""
_STYLE_HASH = base64.b64encode(sha256(STYLE.encode()).digest()).decode()


def login_page(
    client: str, csrf: str, redirect_uri: str, problem: str = "", login: str = "", status: int = 200
) -> HTMLResponse:
    """Return the form that asks for login and password; it is sent to its own address."""
    focus = ("", " autofocus") if login else (" autofocus", "")
    body = f"""<h1>Log in</h1>
<p>to go on to {escape(client)}</p>
{_problem(problem)}<form method="post">
<input type="hidden" name="csrf" value="{escape(csrf)}">
<label for="login">Login</label>
<input id="login" name="login" value="{escape(login)}" autocomplete="username" autocapitalize="none"
 spellcheck="false" maxlength="200" required{focus[0]}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password"
 maxlength="200" required{focus[1]}>
<button>Log in</button>
</form>"""
    return _page("Log in", body, status, redirect_uri)


def logout_page(csrf: str) -> HTMLResponse:
    """Return the form that asks whether to log out: a link must not be able to."""
    body = f"""<h1>Log out</h1>
<p>This ends your session in every program that you have logged in to with it.</p>
<form method="post"><input type="hidden" name="csrf" value="{escape(csrf)}">
<button>Log out</button></form>"""
    return _page("Log out", body, 200)


def message_page(title: str, message: str, status: int) -> HTMLResponse:
    """Return a page that says something; for errors that must not be sent to a client."""
    return _page(title, f"<h1>{escape(title)}</h1>\n<p>{escape(message)}</p>", status)


def _problem(text: str) -> str:
    return f'<p class="problem" role="alert">{escape(text)}</p>\n' if text else ""


def _page(title: str, body: str, status: int, redirect_uri: str = "") -> HTMLResponse:
    document = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""
    # A browser follows a form's redirect only to where the policy lets forms go.
    parts = urlsplit(redirect_uri)
    target = f" {parts.scheme}://{parts.netloc}" if parts.netloc else ""
    if parts.scheme and not parts.netloc:
        target = f" {parts.scheme}:"  # an app's own
    policy = (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'{target}; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
    return HTMLResponse(document, status, {"Content-Security-Policy": policy})
