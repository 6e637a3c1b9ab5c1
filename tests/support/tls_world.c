#include "support/tls_world.h"

#include "base/status.h"
#include <check.h>
#include <stdlib.h>

static const struct log SILENT = {.level = 0};

void tls_world_open(struct tls_world *world) {
  world->authority = tls_certificate_make(&(struct tls_recipe){.name = "authority", .is_authority = true});
  world->broker = tls_certificate_make(
      &(struct tls_recipe){.name = "broker",
                           .issuer = &world->authority,
                           .alternative_names = "DNS:broker.example,DNS:*.wild.example,IP:127.0.0.1,IP:::1"});
  world->client = tls_certificate_make(&(struct tls_recipe){.name = "client", .issuer = &world->authority});
  world->authority_text = tls_certificate_text(world->authority.certificate);
  world->client_text = tls_certificate_text(world->client.certificate);
  world->client_key_text = tls_key_text(world->client.key, NULL);
}

void tls_world_close(struct tls_world *world) {
  tls_certificate_free(&world->authority);
  tls_certificate_free(&world->broker);
  tls_certificate_free(&world->client);
  free(world->authority_text);
  free(world->client_text);
  free(world->client_key_text);
}

struct tls_settings tls_world_settings(const struct tls_world *world) {
  return (struct tls_settings){.minimum_version = TLS_VERSION_1_2,
                               .maximum_version = TLS_VERSION_1_3,
                               .verify_certificate = true,
                               .verify_host_name = true,
                               .trust_pem = world->authority_text};
}

struct tls_context *tls_world_context(const struct tls_settings *settings) {
  struct tls_context *made = NULL;
  char error[512] = "";
  int32_t status = tls_context_create(settings, &SILENT, &made, error, sizeof error);
  ck_assert_msg(status == STATUS_OK, "%s", error);
  return made;
}
