# Varnish as a peer. contenders.py fills in what an at sign marks.
vcl 4.1;

backend origin {
    .host = "@{host}";
    .port = "@{port}";
}

sub vcl_recv {
    return (hash);
}

sub vcl_backend_response {
    # The pages are private: returning here leaves out the built-in rules, which would not keep them.
    set beresp.ttl = 1d;
    return (deliver);
}
