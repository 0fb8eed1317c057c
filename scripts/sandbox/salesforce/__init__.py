"""A Salesforce org that speaks its real protocols, for rehearsals on this machine.

``ids``, ``fields``, ``sobject`` and ``schema`` say what a record is, ``store`` keeps them in
memory, ``archive`` beyond a restart, ``rules`` and ``writes`` decide what may be written, ``soql``
and ``query`` read; ``rest`` hands each call to ``records``, ``many``, ``composite``, ``bulk``,
``bulk_query``, ``soap`` or ``oauth``; ``outbound`` calls back; ``people`` acts as a sales person
would; ``vendor`` joins all of it to the sandbox, and ``steer`` is the way in from Python. Beside
book, faults and settings there are, under ``/_sandbox/salesforce``: ``POST act`` (`people.Act`)
and ``PUT``, ``GET``, ``DELETE outbound`` (`outbound.Target`).

Sources: the wire reference of Salesforce (REST, Bulk 2.0, SOAP, outbound messages), read
2026-11-22. What only memory says is marked [M] where it stands.
"""
