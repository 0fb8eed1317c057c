"""One invented market of companies and people, of which every vendor knows a different part.

Nobody in it exists: names are drawn from lists, domains end in ``.example`` or ``.test``, phone
numbers are of the ranges that regulators keep for fiction.
"""
