// Sendoff from C++17: the header as it is, and a class that owns a producer.
#ifndef FOREIGN_CPP_SENDOFF_HPP
#define FOREIGN_CPP_SENDOFF_HPP

#include <functional>
#include <initializer_list>
#include <memory>
#include <sendoff/sendoff.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace sendoff {

using settings = std::initializer_list<std::pair<const char *, std::string>>;
// Called on a thread of the library, in order for each partition. Must not throw.
using report_function = std::function<void(const sendoff_report &)>;

// A status that is not OK.
class error : public std::runtime_error {
public:
  explicit error(std::int32_t status, const std::string &message = {})
      : std::runtime_error(std::string(sendoff_status_name(status)) + " " + message) {}
};

inline void check(std::int32_t status, const char *message = "") {
  if (status != SENDOFF_OK) throw error(status, message);
}

// Owns a producer: its end waits until what was accepted is sent.
class producer {
public:
  producer(settings settings, report_function on_report) : on_report_(std::move(on_report)) {
    char message[256] = "";
    sendoff_config *config = nullptr;
    check(sendoff_config_create(&config));
    const std::unique_ptr<sendoff_config, decltype(&sendoff_config_destroy)> owner(config,
                                                                                   sendoff_config_destroy);
    for (const auto &[name, value] : settings)
      check(sendoff_config_set(config, name, value.c_str(), message, sizeof message), message);
    sendoff_callbacks callbacks{};
    callbacks.size = sizeof callbacks;
    callbacks.user = &on_report_;
    callbacks.on_reports = hand_on;
    check(sendoff_create(config, &callbacks, &handle_, message, sizeof message), message);
  }

  producer(const producer &) = delete;
  producer &operator=(const producer &) = delete;

  ~producer() {
    sendoff_close(handle_, -1);
    sendoff_destroy(handle_);
  }

  // Accepts a record: everything is copied, and one report will follow.
  void send(const std::string &topic, std::string_view key, std::string_view value, std::uint64_t opaque) {
    sendoff_record record{};
    record.size = sizeof record;
    record.topic = topic.c_str();
    record.key = key.data();
    record.key_bytes = key.size();
    record.value = value.data();
    record.value_bytes = value.size();
    record.opaque = opaque;
    check(sendoff_send(handle_, &record));
  }

private:
  static void hand_on(void *user, const sendoff_report *reports, std::size_t count) {
    const auto &on_report = *static_cast<const report_function *>(user);
    for (const auto *report = reports; report != reports + count; report++)
      on_report(*report);
  }

  report_function on_report_; // where it is for as long as the library knows of it
  sendoff_producer *handle_ = nullptr;
};

} // namespace sendoff

#endif
