"""The sandbox: one small program that stands in for the calendar providers.

It answers as Google does (OAuth 2.0 and Calendar v3) and as Microsoft does (identity platform
v2.0 and Graph v1.0), keeps what it is given, refuses what the real one refuses, records every
request, and misbehaves on request. Tests steer it through ``/control/...`` (see ``control`` and
the helper in ``client``), a person through its pages.

    world, saving        what exists: accounts, clients, mail, settings, the clock; kept on disk
    record, loads        what was asked, and how much of it at once
    faults               what shall go wrong
    fault_acts, wire     how it goes wrong on the wire; reading and answering
    app, control, pages  the application, its controls, its HTML
    grants, consent, controls, paging, addresses    what the providers have in common
    google, google_*     Google behind the prefix /google/
    microsoft, microsoft_*, windows_zones    Microsoft behind the prefix /microsoft/

Another provider is a sibling of ``google`` and ``microsoft``: an object with the members of
``app.Provider``.

The program serves plain HTTP on a unix socket; a web server in front of it brings TLS and HTTP/2.
"""
