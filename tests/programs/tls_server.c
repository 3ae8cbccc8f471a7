/* SPDX-License-Identifier: MIT */
/*
 * A TLS server that loses a connection, and its client, in one process: libssl reads the socket by
 * its BIO, inside libcrypto. The key is made here; nobody checks it.
 *
 * Usage: tls_server HOLD_MS leak|close|shutdown
 */
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>

#include "loopback.h"

#define STEP static __attribute__((noinline))

static void use_new_key(SSL_CTX *context)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x509 = X509_new();

	must(key && x509, "a key");
	X509_gmtime_adj(X509_getm_notBefore(x509), 0);
	X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
	X509_set_pubkey(x509, key);
	must(X509_sign(x509, key, EVP_sha256()) > 0, "a certificate");
	must(SSL_CTX_use_certificate(context, x509) == 1, "the certificate");
	must(SSL_CTX_use_PrivateKey(context, key) == 1, "the key");
	X509_free(x509);
	EVP_PKEY_free(key);
}

/* With "shutdown" it says farewell before it closes, else the FIN comes without. */
struct peer {
	int fd;
	int farewell;
};

static void *ask(void *argument)
{
	struct peer *peer = argument;
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(context);

	must(SSL_set_fd(ssl, peer->fd) == 1, "SSL_set_fd");
	must(SSL_connect(ssl) == 1, "SSL_connect");
	must(SSL_write(ssl, "ask\n", 4) == 4, "SSL_write");
	if (peer->farewell)
		SSL_shutdown(ssl);
	close(peer->fd);
	SSL_free(ssl);
	SSL_CTX_free(context);
	return NULL;
}

STEP int read_request(SSL *ssl)
{
	char buffer[64];

	return SSL_read(ssl, buffer, sizeof buffer);
}

STEP void serve_connection(SSL *ssl)
{
	must(SSL_accept(ssl) == 1, "SSL_accept");
	while (read_request(ssl) > 0)
		;
}

int main(int argc, char **argv)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	struct pair pair = pair_open();
	struct peer peer = {pair.client, argc > 2 && !strcmp(argv[2], "shutdown")};
	pthread_t thread;
	SSL *ssl;

	if (argc != 3)
		return 2;
	use_new_key(context);
	SSL_CTX_set_num_tickets(context,
				0); /* unread ones would make a reset of the FIN */
	ssl = SSL_new(context);
	must(SSL_set_fd(ssl, pair.server) == 1, "SSL_set_fd");
	must(!pthread_create(&thread, NULL, ask, &peer), "thread");
	serve_connection(ssl);
	must(!pthread_join(thread, NULL), "join");
	SSL_free(ssl);
	if (!strcmp(argv[2], "close"))
		close(pair.server);
	hold(atoi(argv[1]));
	SSL_CTX_free(context);
	return 0;
}
