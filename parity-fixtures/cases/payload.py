"""Whole payloads as SDKs send them, and the field count."""

from __future__ import annotations

from .table import Case, payload

CASES: list[Case] = [
    payload("the published example", '{"b":1}'),
    payload("an empty payload", "{}"),
    payload("a payload of null", "null"),
    payload("a payload of true", "true"),
    payload("a payload of a number", " 1.50 "),
    payload("a payload of a string", '"x\\u00e9"'),
    payload("a payload of an array", '[1,2,{"a":null}]'),
    payload("a payload of an empty array", "[]"),
    payload("fields are counted once a distinct key", '{"a":1,"b":2,"\\u0061":3,"":4}'),
    payload("keys that become one by replacement are counted once", '{"\\ud800":1,"\\udfff":2,"\ufffd":3}'),
    payload("fields of nested objects are not counted", '{"a":{"b":1,"c":2}}'),
    payload("items of an array are not counted", '[{"a":1},{"b":1}]'),
    payload("a payload as bytes", '{"k":"é"}'.encode()),
    payload("a payload with merges as bytes", b'{"b":"e30="}', b'{"b":{"encoding":1,"decoded_type":1}}'),
    payload("an inbound request of the Python SDK", '{"method":"GET","url":"http://localhost:8000/up/1?q=a%20b","target":"/up/1?q=a%20b","headers":{"Host":"localhost:8000","User-Agent":"curl/8.0","Accept":"*/*"},"httpVersion":"1.1","remoteAddress":"127.0.0.1","remotePort":54321}', '{"headers":{"match_importance":0.0}}'),
    payload("a response of the Python SDK", '{"statusCode":200,"statusMessage":"OK","headers":{"Content-Type":"application/json","Content-Length":"15"},"body":"eyJvayI6dHJ1ZX0=","bodySize":11}', '{"headers":{"match_importance":0.0},"body":{"encoding":1,"decoded_type":1}}'),
    payload("a database query", '{"query":"SELECT * FROM t WHERE id = %s","parameters":[1,"x",null,1.5]}', '{"parameters":{"match_importance":0.0}}'),
    payload("a database result", '{"rowcount":2,"description":[{"name":"id","type_code":23}],"rows":[[1,"a"],[2,null]]}'),
    payload("a mock error", '{"errorName":"ConnectionError","errorMessage":"refused \\u2014 try again"}'),
    payload("environment variables", '{"ENV_VARS":{"PATH":"/bin:/usr/bin","LANG":"C.UTF-8","EMPTY":""}}'),
    payload("a plain text body", '{"body":"aGVsbG8gd29ybGQ="}', '{"body":{"encoding":1,"decoded_type":11}}'),
    payload("a binary body", '{"body":"iVBORw0KGgoAAAANSUhEUg=="}', '{"body":{"encoding":1,"decoded_type":18}}'),
    payload("integers that published text and native calls told apart", '{"a":9223372036854775808,"b":1180591620717411303424}'),
    payload("the double whose last digit the published parser got wrong", '{"x":123456789.123456789}'),
    payload("equal values in another spelling: the first", '{"a":[1.0,"\\u00e9"],"b":{}}'),
    payload("equal values in another spelling: the second", ' { "b" : { } , "a" : [ 10e-1 , "\u00e9" ] } '),
]  # fmt: skip
