"""A Salesforce org in memory that speaks its real protocols, for rehearsals on this machine.

``ids`` and ``fields``/``schema`` say what a record is, ``store`` keeps them, ``rules`` and
``writes`` decide what may be written, ``soql``/``query`` read; ``rest`` hands each call to
``records``, ``collections``, ``composite``, ``bulk``, ``soap`` or ``oauth``; ``outbound`` calls
back; ``people`` acts as a sales person would; ``vendor`` joins all of it to the sandbox.

Sources: the wire reference of Salesforce (REST, Bulk 2.0, SOAP, outbound messages), read
2026-11-22. What only memory says is marked [M] where it stands.
"""
