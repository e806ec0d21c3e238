#include "gesso/domain/client_network.hpp"

#include <gtest/gtest.h>

namespace gesso::domain {
namespace {

TEST(ClientNetwork, IsWhatOneCustomerHas) {
  EXPECT_EQ(network_of("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(network_of("::ffff:192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(network_of("2001:db8:1:2:3:4:5:6"), network_of("2001:db8:1:2::9"));
  EXPECT_EQ(network_of("fe80::1%eth0"), network_of("fe80::2"));
  EXPECT_NE(network_of("2001:db8:1:2::9"), network_of("2001:db8:1:3::9"));
  EXPECT_EQ(network_of("unix"), "unix");
  EXPECT_EQ(network_of(""), "");
}

TEST(ClientNetwork, AnAddressIsCountedByWhatItsOwnerHas) {
  EXPECT_EQ(address_subject("192.0.2.7"), "ip:192.0.2.7");
  EXPECT_EQ(address_subject("::ffff:192.0.2.7"), "ip:192.0.2.7");
  EXPECT_EQ(address_subject("2001:db8:1:2:3:4:5:6"), "ip:2001:db8:1:2::/64");
  EXPECT_EQ(address_subject("2001:DB8:1:2::9"), "ip:2001:db8:1:2::/64");
  EXPECT_EQ(address_subject("fe80::1%eth0"), "ip:fe80::/64");
  EXPECT_EQ(address_subject(""), "ip:unknown");
  EXPECT_EQ(address_subject("1.2.3.4.5"), "ip:unknown");
}

}  // namespace
}  // namespace gesso::domain
