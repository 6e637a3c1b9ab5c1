#include "base/status.h"
#include "support/failing_allocator.h"
#include "support/tls_pair.h"
#include "support/tls_world.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXT_BYTES = 128 };

static const char HOST[] = "broker.example";

static struct tls_world world;
static struct tls_settings settings; /* a test changes what it is about */
static struct tls_peer_settings peer_settings;

static void set_up(void) {
  tls_world_open(&world);
  settings = tls_world_settings(&world);
  peer_settings = (struct tls_peer_settings){.own = &world.broker};
}

static void tear_down(void) {
  tls_world_close(&world);
}

static void check_connects(const char *host) {
  tls_pair_check_connects(&settings, &peer_settings, host);
}

static void check_refused(const char *host, const char *first, const char *second) {
  tls_pair_check_fails(&settings, &peer_settings, host, STATUS_CERTIFICATE_REFUSED, first, second);
}

/* The peer has this certificate instead of the world's. */
static void use(struct tls_certificate *certificate, const struct tls_recipe *recipe) {
  *certificate = tls_certificate_make(recipe);
  peer_settings.own = certificate;
}

/* ---- names ---- */

START_TEST(names_and_addresses_that_are_offered_pass) {
  static const char *const hosts[] = {"broker.example",  "broker.example.", "BROKER.example",
                                      "a.wild.example",  "127.0.0.1",       "::1",
                                      "0:0:0:0:0:0:0:1", "::1%lo"};
  for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
    check_connects(hosts[i]);
}
END_TEST

START_TEST(names_and_addresses_that_are_not_offered_are_refused) {
  static const char *const hosts[] = {"other.example", "example", "a.b.wild.example",   "wild.example",
                                      "127.0.0.2",     "::2",     "broker.example.org", "localhost"};
  for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
    char expected[TEXT_BYTES];
    snprintf(expected, sizeof expected, "\"%s\" was expected", hosts[i]);
    check_refused(hosts[i], expected, "DNS:broker.example, DNS:*.wild.example, IP:127.0.0.1, IP:::1");
  }
}
END_TEST

START_TEST(the_common_name_counts_only_without_alternative_names) {
  struct tls_certificate own;
  use(&own, &(struct tls_recipe){.name = HOST, .issuer = &world.authority});
  check_connects(HOST);
  check_refused("other.example", "\"other.example\" was expected", "CN=broker.example");
  tls_certificate_free(&own);
  use(&own,
      &(struct tls_recipe){.name = HOST, .issuer = &world.authority, .alternative_names = "IP:10.0.0.1"});
  check_refused(HOST, "was expected", "offers IP:10.0.0.1");
  tls_certificate_free(&own);
  use(&own, &(struct tls_recipe){.name = HOST, .issuer = &world.authority, .alternative_names = "email:a@b"});
  check_refused(HOST, "was expected", "no DNS name or IP address");
  tls_certificate_free(&own);
  use(&own, &(struct tls_recipe){
                .name = "10.0.0.1", .issuer = &world.authority, .alternative_names = "DNS:10.0.0.1"});
  check_refused("10.0.0.1", "\"10.0.0.1\" was expected", "offers DNS:10.0.0.1");
  tls_certificate_free(&own);
}
END_TEST

START_TEST(partial_wildcards_do_not_pass) {
  static const char *const names[] = {"DNS:bro*.wild.example,DNS:*", NULL};
  for (size_t i = 0; i < 2; i++) { /* as alternative name, and as common name without one */
    struct tls_certificate own;
    use(&own, &(struct tls_recipe){
                  .name = "bro*.wild.example", .issuer = &world.authority, .alternative_names = names[i]});
    check_refused("broker.wild.example", "was expected", "bro*.wild.example");
    tls_certificate_free(&own);
  }
}
END_TEST

START_TEST(names_that_no_log_should_have_are_cleaned) {
  struct tls_certificate own;
  use(&own, &(struct tls_recipe){.name = "x",
                                 .issuer = &world.authority,
                                 .alternative_names = "DNS:a\x1b[2J\xc2\x9b\xff\x7f."});
  check_refused(HOST, "was expected", "offers DNS:a?[2J????. (");
  tls_certificate_free(&own);
}
END_TEST

START_TEST(names_are_sent_to_the_server_and_addresses_are_not) {
  static const struct {
    const char *host, *name;
  } cases[] = {{"broker.example.", "broker.example"}, {"127.0.0.1", NULL}, {"::1", NULL}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct tls_pair pair;
    tls_pair_prepare(&pair, &settings, &peer_settings);
    tls_pair_dial(&pair, cases[i].host);
    ck_assert(tls_peer_connect(&pair.peer, pair.session));
    const char *name = SSL_get_servername(pair.peer.ssl, TLSEXT_NAMETYPE_host_name);
    ck_assert_pstr_eq(name, cases[i].name);
    tls_pair_close(&pair);
  }
}
END_TEST

/* ---- what is off passes ---- */

START_TEST(what_is_not_verified_passes) {
  struct tls_certificate own;
  settings.verify_host_name = false;
  check_connects("other.example");
  use(&own, &(struct tls_recipe){.name = "self", .first_day = -9, .last_day = -1});
  check_refused("other.example", "self-signed", "CN=self");
  settings.verify_certificate = false;
  check_connects("other.example");
  check_connects("127.0.0.9");
  tls_certificate_free(&own);
}
END_TEST

/* ---- faults of certificates ---- */

START_TEST(faults_of_the_certificate_are_named) {
  static const struct {
    struct tls_recipe recipe;
    bool is_self_signed;
    const char *first, *second;
  } cases[] = {
      {{.first_day = -9, .last_day = -1}, false, "\"CN=own\" expired on 20", "UTC"},
      {{.first_day = 1, .last_day = 9}, false, "\"CN=own\" is not valid yet: it is from 20", "clock"},
      {{.first_day = 0}, true, "\"CN=own\" is self-signed and not trusted", "ssl.truststore.location"},
      {{.rsa_bits = 1024}, false, "\"CN=own\" is too weak", "RSA, 1024 bits"},
      {{.extended_usage = "clientAuth"}, false, "\"CN=own\" is not made for TLS servers", "purpose"},
  };
  peer_settings.is_weak = true;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct tls_recipe recipe = cases[i].recipe;
    struct tls_certificate own;
    recipe.name = "own";
    recipe.alternative_names = "DNS:broker.example";
    if (!cases[i].is_self_signed) recipe.issuer = &world.authority;
    use(&own, &recipe);
    check_refused(HOST, cases[i].first, cases[i].second);
    tls_certificate_free(&own);
  }
}
END_TEST

/* Authority, an authority between, and the broker's own. */
START_TEST(faults_of_the_chain_are_named) {
  struct tls_certificate between = tls_certificate_make(
      &(struct tls_recipe){.name = "between", .issuer = &world.authority, .is_authority = true});
  struct tls_certificate own;
  use(&own,
      &(struct tls_recipe){.name = "own", .issuer = &between, .alternative_names = "DNS:broker.example"});
  check_refused(HOST, "\"CN=own\" is not trusted: its issuer \"CN=between\"", "chain incomplete?");
  peer_settings.chain[0] = &between;
  check_connects(HOST);
  peer_settings.chain[1] = &world.authority; /* not needed, and no harm */
  check_connects(HOST);
  struct tls_certificate other =
      tls_certificate_make(&(struct tls_recipe){.name = "other", .is_authority = true});
  char *other_text = tls_certificate_text(other.certificate);
  settings.trust_pem = other_text;
  check_refused(HOST, "chain ends at the self-signed certificate \"CN=authority\"", "ssl.ca.location");
  peer_settings.chain[1] = NULL;
  check_refused(HOST, "chain ends with \"CN=between\", whose issuer \"CN=authority\" is not in",
                "ssl.ca.location");
  free(other_text);
  tls_certificate_free(&other);
  tls_certificate_free(&own);
  tls_certificate_free(&between);
}
END_TEST

/* With the identifiers of keys the wrong one is not even tried. */
START_TEST(an_authority_of_the_same_name_is_not_enough) {
  for (int i = 0; i < 2; i++) {
    struct tls_recipe recipe = {.name = "authority", .is_authority = true, .has_no_identifiers = i == 1};
    struct tls_certificate other = tls_certificate_make(&recipe);
    char *other_text = tls_certificate_text(other.certificate);
    settings.trust_pem = other_text;
    check_refused(HOST, "\"CN=broker\" was issued by \"CN=authority\"", "has another key");
    free(other_text);
    tls_certificate_free(&other);
  }
}
END_TEST

START_TEST(faults_of_authorities_are_named) {
  static const struct {
    struct tls_recipe recipe;
    const char *first, *second;
  } cases[] = {
      {{.is_authority = true, .first_day = -9, .last_day = -1}, "\"CN=between\" expired on 20", "UTC"},
      {{.is_authority = true, .rsa_bits = 1024}, "\"CN=between\" is too weak", "1024 bits"},
      {{.is_authority = false}, "\"CN=between\" may not issue others", "authority"},
  };
  peer_settings.is_weak = true;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct tls_recipe recipe = cases[i].recipe;
    recipe.name = "between";
    recipe.issuer = &world.authority;
    struct tls_certificate between = tls_certificate_make(&recipe), own;
    use(&own,
        &(struct tls_recipe){.name = "own", .issuer = &between, .alternative_names = "DNS:broker.example"});
    peer_settings.chain[0] = &between;
    check_refused(HOST, cases[i].first, cases[i].second);
    tls_certificate_free(&own);
    tls_certificate_free(&between);
  }
}
END_TEST

START_TEST(weak_signatures_are_refused) {
  struct tls_certificate own;
  use(&own, &(struct tls_recipe){.name = "own",
                                 .issuer = &world.authority,
                                 .alternative_names = "DNS:broker.example",
                                 .digest = EVP_sha1()});
  peer_settings.is_weak = true;
  check_refused(HOST, "\"CN=own\" is signed with a weak digest", "SHA1");
  tls_certificate_free(&own);
}
END_TEST

START_TEST(what_is_trusted_need_not_be_a_root) {
  struct tls_certificate between = tls_certificate_make(
      &(struct tls_recipe){.name = "between", .issuer = &world.authority, .is_authority = true});
  struct tls_certificate own;
  use(&own,
      &(struct tls_recipe){.name = "own", .issuer = &between, .alternative_names = "DNS:broker.example"});
  X509 *const trusted[] = {between.certificate, own.certificate};
  for (size_t i = 0; i < 2; i++) {
    char *text = tls_certificate_text(trusted[i]);
    settings.trust_pem = text;
    check_connects(HOST);
    free(text);
  }
  tls_certificate_free(&own);
  use(&own, &(struct tls_recipe){.name = "self", .alternative_names = "DNS:broker.example"});
  char *text = tls_certificate_text(own.certificate);
  settings.trust_pem = text;
  check_connects(HOST);
  free(text);
  tls_certificate_free(&own);
  tls_certificate_free(&between);
}
END_TEST

/* ---- revocation ---- */

START_TEST(revocation_is_looked_up) {
  struct tls_folder folder = tls_folder_make();
  struct tls_certificate other =
      tls_certificate_make(&(struct tls_recipe){.name = "other", .is_authority = true});
  const struct {
    const struct tls_certificate *issuer;
    const X509 *revoked;
    int first_day, last_day;
    const char *first, *second;
  } cases[] = {
      {&world.authority, NULL, 0, 0, NULL, NULL},
      {&world.authority, world.client.certificate, 0, 0, NULL, NULL},
      {&world.authority, world.broker.certificate, 0, 0, "\"CN=broker\" was revoked on 20",
       "by \"CN=authority\""},
      {&world.authority, NULL, -9, -1, "(CRL) of \"CN=authority\" in ssl.crl.location expired on 20", "UTC"},
      {&world.authority, NULL, 1, 9, "(CRL) of \"CN=authority\" in ssl.crl.location is not valid yet", "UTC"},
      {&other, NULL, 0, 0, "ssl.crl.location has no certificate revocation list", "\"CN=authority\""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    X509_CRL *list =
        tls_revocations_make(cases[i].issuer, cases[i].revoked, cases[i].first_day, cases[i].last_day);
    char *text = tls_revocations_text(list);
    char *path = tls_folder_write_text(&folder, "list.pem", text);
    settings.crl_location = path;
    if (cases[i].first == NULL)
      check_connects(HOST);
    else
      check_refused(HOST, cases[i].first, cases[i].second);
    free(path);
    free(text);
    X509_CRL_free(list);
  }
  tls_certificate_free(&other);
  tls_folder_remove(&folder);
}
END_TEST

static TCase *case_of(Suite *suite, const char *name) {
  TCase *made = tcase_create(name);
  tcase_add_checked_fixture(made, set_up, tear_down);
  suite_add_tcase(suite, made);
  return made;
}

int main(void) {
  Suite *suite = suite_create("tls_session_verify");
  TCase *names = case_of(suite, "names");
  tcase_add_test(names, names_and_addresses_that_are_offered_pass);
  tcase_add_test(names, names_and_addresses_that_are_not_offered_are_refused);
  tcase_add_test(names, the_common_name_counts_only_without_alternative_names);
  tcase_add_test(names, partial_wildcards_do_not_pass);
  tcase_add_test(names, names_that_no_log_should_have_are_cleaned);
  tcase_add_test(names, names_are_sent_to_the_server_and_addresses_are_not);
  tcase_add_test(names, what_is_not_verified_passes);
  TCase *certificates = case_of(suite, "certificates");
  tcase_add_test(certificates, faults_of_the_certificate_are_named);
  tcase_add_test(certificates, faults_of_the_chain_are_named);
  tcase_add_test(certificates, an_authority_of_the_same_name_is_not_enough);
  tcase_add_test(certificates, faults_of_authorities_are_named);
  tcase_add_test(certificates, weak_signatures_are_refused);
  tcase_add_test(certificates, what_is_trusted_need_not_be_a_root);
  tcase_add_test(certificates, revocation_is_looked_up);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
