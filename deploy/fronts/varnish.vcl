# Varnish (tried with 7.1) in front of the gateway, at / and at /gateway/: delete what you do not want. To be started with
#   varnishd -a :80 -f varnish.vcl -p http_req_hdr_len=16k -p http_req_size=64k -p backend_idle_timeout=20 -p http_gzip_support=off
# for its own limit of a header, 8 KiB, is less than a token takes, granian closes a connection after 30 s, and where Varnish
# thinks that a caller does not take gzip it unpacks what the gateway packed, and makes its tag weak.

vcl 4.1;

backend gateway {
    .host = "127.0.0.1";
    .port = "8080";
    .connect_timeout = 2s;
    # Longer than isales.deadline_s (8) and http.longest_wait_s (10).
    .first_byte_timeout = 15s;
    .between_bytes_timeout = 15s;
}

acl local {
    "127.0.0.1";
    "::1";
}

sub vcl_recv {
    # One address, the caller's (http.trusted_proxies = 1).
    set req.http.X-Forwarded-For = client.ip;

    # WSGI cannot tell these from those with hyphens, and VCL cannot drop all that have an underscore.
    unset req.http.X_API_Key;
    unset req.http.X_Forwarded_For;
    unset req.http.X_Request_Id;
    unset req.http.X_Request_Timeout_Ms;
    unset req.http.If_Match;
    unset req.http.If_None_Match;
    unset req.http.If_Range;
    unset req.http.Accept_Encoding;
    unset req.http.Accept_Language;
    unset req.http.Cache_Control;
    unset req.http.Access_Control_Request_Method;
    unset req.http.Access_Control_Request_Headers;

    set req.url = regsub(req.url, "^/gateway/", "/");

    # For ourselves only.
    if (req.url ~ "^/(cache|healthz|metrics|readyz)(/|\?|$)" && client.ip !~ local) {
        return (synth(403));
    }

    # Pages are private, and the gateway has a cache. In passing, Varnish leaves conditions and codings as they are.
    return (pass);
}
