#!@COMPAT@/usr/bin/bash
# Enter the compatibility layer; commands come from standard input or as arguments to bash.
# Says what Gentoo Prefix' startprefix says, so that the same checks can read it.
EPREFIX='@COMPAT@'
echo "Entering Gentoo Prefix ${EPREFIX}"
RETAIN=()
for v in HOME TERM USER EESSI_CVMFS_REPO EESSI_VERSION CI DISPLAY LC_ALL SSH_AUTH_SOCK http_proxy https_proxy no_proxy; do
    if [ -n "${!v}" ]; then RETAIN+=("$v=${!v}"); fi
done
"$EPREFIX/usr/bin/env" -i "${RETAIN[@]}" EPREFIX="$EPREFIX" SHELL="$EPREFIX/usr/bin/bash" \
    PATH="$EPREFIX/usr/bin:$EPREFIX/usr/sbin:/usr/bin:/bin" \
    LANG=en_US.UTF-8 LOCPATH="$EPREFIX/usr/lib/locale" GCONV_PATH="$EPREFIX/usr/lib/@TRIPLET@/gconv" \
    TZDIR="$EPREFIX/usr/share/zoneinfo" \
    SSL_CERT_FILE="$EPREFIX/etc/ssl/certs/ca-certificates.crt" SSL_CERT_DIR="$EPREFIX/etc/ssl/certs" \
    OPENSSL_CONF="$EPREFIX/etc/ssl/openssl.cnf" \
    CURL_CA_BUNDLE="$EPREFIX/etc/ssl/certs/ca-certificates.crt" GIT_SSL_CAINFO="$EPREFIX/etc/ssl/certs/ca-certificates.crt" \
    "$EPREFIX/usr/bin/bash" --noprofile --norc "$@"
RET=$?
echo "Leaving Gentoo Prefix with exit status ${RET}"
exit ${RET}
