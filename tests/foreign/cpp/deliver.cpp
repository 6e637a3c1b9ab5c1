// deliver BOOTSTRAP TOPIC: sends ten records and says where each of them is.
#include "sendoff.hpp"
#include <iostream>

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  const std::string bootstrap = argv[1], topic = argv[2];
  const auto say = [](const sendoff_report &report) {
    const char *outcome = report.outcome == SENDOFF_OUTCOME_DELIVERED ? "delivered" : "not delivered";
    std::cout << "record " << report.opaque << ' ' << outcome << " at offset " << report.offset << '\n';
  };
  {
    sendoff::producer producer({{"bootstrap.servers", bootstrap}}, say);
    for (std::uint64_t number = 0; number < 10; number++)
      producer.send(topic, "key", "record " + std::to_string(number), number);
  }
  std::cout << "closed\n";
}
