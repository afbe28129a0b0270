//! The checks of this family.

use crate::doctor::check::checks;

checks! { Network:
    SETUP: Fatal, "network.setup", "a file or variable for a connection is missing or invalid";
    DNS: Fatal, "network.dns", "a server's name cannot be resolved";
    REFUSED: Fatal, "network.refused", "a server refuses connections";
    TIMEOUT: Fatal, "network.timeout", "a server does not answer in time";
    UNREACHABLE: Fatal, "network.unreachable", "no route to a server";
    INTERRUPTED: Fatal, "network.interrupted", "a server drops the connection";
    PROXY_UNREACHABLE: Fatal, "network.proxy-unreachable", "the proxy cannot be reached";
    PROXY_AUTHORIZATION: Fatal, "network.proxy-authorization", "the proxy demands a password (407)";
    PROXY_REFUSED: Fatal, "network.proxy-refused", "the proxy does not connect to a server";
    PROXY_TLS: Fatal, "network.proxy-tls", "the TLS handshake with the proxy itself fails";
    CAPTIVE_PORTAL: Fatal, "network.captive-portal", "a web page in place of a server's answer";
    TLS_INSPECTION: Fatal, "network.tls-inspection", "a product replaces certificates; its CA is named";
    UNTRUSTED_CA: Fatal, "network.untrusted-ca", "a certificate of a CA that is not trusted";
    WRONG_CA_FILE: Fatal, "network.wrong-ca-file", "the system trusts the CA, and 'ca_file' lacks it";
    CERTIFICATE_EXPIRED: Fatal, "network.certificate-expired", "a server's certificate has expired";
    CERTIFICATE_NOT_YET_VALID: Fatal, "network.certificate-not-yet-valid", "a certificate of the future";
    CERTIFICATE_HOST: Fatal, "network.certificate-host", "a certificate for another host name";
    CERTIFICATE_INVALID: Fatal, "network.certificate-invalid", "a certificate that breaks other rules";
    CLIENT_CERTIFICATE_REQUIRED: Fatal, "network.client-certificate-required",
        "a server demands a certificate of the client";
    TLS_FAILED: Fatal, "network.tls-failed", "a server that speaks no TLS, or ends the handshake";
    CLIENT_CERTIFICATE_INVALID: Fatal, "network.client-certificate-invalid",
        "the client's own certificate has expired or is not valid yet";
    CLIENT_CERTIFICATE_EXPIRES: Warning, "network.client-certificate-expires",
        "the client's own certificate expires soon";
    CLOCK_SKEW: Warning, "network.clock-skew", "this machine's clock differs from the servers' 'Date'";
    SERVER_CLOCK: Warning, "network.server-clock", "one server's clock differs from all others";
    IPV6: Note, "network.ipv6", "an IPv6 address that does not answer in time, beside an IPv4 one";
    PROXY_IN_USE: Note, "network.proxy-in-use", "the proxy in use, and where its address comes from";
}
