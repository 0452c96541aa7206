// The members of a JSON object in the order in which they came, found by name in constant time.
//
// Why the order is kept: a model fills a JSON Schema's properties in the order in which they stand ("reasoning" before
// "answer"), and a provider's prompt cache goes by bytes; sorting the members would change answers. Why not
// nlohmann::ordered_map: it looks names up by walking the members, which makes reading a hostile object of many members
// quadratic, and it takes {a, b} and {b, a} for different; two objects here are equal if they hold the same members.
//
// It has what nlohmann::basic_json asks of an object type. Const members may be called from several threads at once.
#pragma once
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace steward {

template <class Key, class T, class IgnoredLess = std::less<Key>,
          class Allocator = std::allocator<std::pair<const Key, T>>>
class OrderedMap {
 public:
  using key_type = Key;
  using mapped_type = T;
  using value_type = std::pair<const Key, T>;
  using Container = std::vector<value_type, Allocator>;
  using iterator = typename Container::iterator;
  using const_iterator = typename Container::const_iterator;
  using size_type = typename Container::size_type;
  using difference_type = typename Container::difference_type;
  using key_compare = std::equal_to<>;
  using allocator_type = Allocator;

  OrderedMap() = default;
  explicit OrderedMap(const Allocator& allocator) : members_(allocator) {}
  template <class It>
  OrderedMap(It first, It last, const Allocator& allocator = Allocator()) : members_(allocator) {
    insert(first, last);
  }
  OrderedMap(std::initializer_list<value_type> members, const Allocator& allocator = Allocator())
      : members_(allocator) {
    insert(members.begin(), members.end());
  }
  OrderedMap(const OrderedMap& other) : members_(other.members_) { rebuild(); }
  OrderedMap(OrderedMap&& other) noexcept = default;
  OrderedMap& operator=(OrderedMap other) noexcept {
    swap(other);
    return *this;
  }
  ~OrderedMap() = default;

  iterator begin() { return members_.begin(); }
  iterator end() { return members_.end(); }
  const_iterator begin() const { return members_.begin(); }
  const_iterator end() const { return members_.end(); }
  const_iterator cbegin() const { return members_.cbegin(); }
  const_iterator cend() const { return members_.cend(); }
  bool empty() const { return members_.empty(); }
  size_type size() const { return members_.size(); }
  size_type max_size() const { return members_.max_size(); }
  void clear() {
    members_.clear();
    index_.reset();
  }
  void swap(OrderedMap& other) noexcept {
    members_.swap(other.members_);
    index_.swap(other.index_);
  }

  template <class K>
  iterator find(const K& key) {
    return members_.begin() + static_cast<difference_type>(position(key));
  }
  template <class K>
  const_iterator find(const K& key) const {
    return members_.begin() + static_cast<difference_type>(position(key));
  }
  template <class K>
  size_type count(const K& key) const {
    return position(key) == members_.size() ? 0 : 1;
  }
  template <class K>
  T& at(const K& key) {
    const auto found = find(key);
    if (found == end()) throw std::out_of_range("key not found");
    return found->second;
  }
  template <class K>
  const T& at(const K& key) const {
    const auto found = find(key);
    if (found == end()) throw std::out_of_range("key not found");
    return found->second;
  }
  template <class K>
  T& operator[](K&& key) {
    return emplace(std::forward<K>(key), T{}).first->second;
  }

  template <class K, class V>
  std::pair<iterator, bool> emplace(K&& key, V&& value) {
    const size_t at = position(key);
    if (at < members_.size()) return {members_.begin() + static_cast<difference_type>(at), false};
    members_.emplace_back(std::piecewise_construct, std::forward_as_tuple(std::forward<K>(key)),
                          std::forward_as_tuple(std::forward<V>(value)));
    added(at);
    return {members_.begin() + static_cast<difference_type>(at), true};
  }
  std::pair<iterator, bool> insert(value_type&& member) { return emplace(member.first, std::move(member.second)); }
  std::pair<iterator, bool> insert(const value_type& member) { return emplace(member.first, member.second); }
  iterator insert(const_iterator, value_type&& member) { return insert(std::move(member)).first; }
  template <class It>
  void insert(It first, It last) {
    for (auto it = first; it != last; ++it) emplace(it->first, it->second);
  }

  template <class K>
    requires(!std::is_convertible_v<const K&, const_iterator>)
  size_type erase(const K& key) {
    const size_t at = position(key);
    if (at == members_.size()) return 0;
    erase(members_.cbegin() + static_cast<difference_type>(at));
    return 1;
  }
  iterator erase(const_iterator at) { return erase(at, at + 1); }
  iterator erase(const_iterator first, const_iterator last) {
    const auto from = first - members_.cbegin();
    const auto gone = last - first;
    // Names are const, so members can't be assigned over one another: the rest moves into a new row.
    Container kept(members_.get_allocator());
    kept.reserve(members_.size());
    for (difference_type i = 0; i < static_cast<difference_type>(members_.size()); ++i) {
      if (i >= from && i < from + gone) continue;
      value_type& member = members_[static_cast<size_t>(i)];
      kept.emplace_back(std::piecewise_construct, std::forward_as_tuple(std::move(const_cast<Key&>(member.first))),
                        std::forward_as_tuple(std::move(member.second)));
    }
    members_ = std::move(kept);
    rebuild();
    return members_.begin() + from;
  }

  friend bool operator==(const OrderedMap& a, const OrderedMap& b) {
    if (a.size() != b.size()) return false;
    for (const auto& [key, value] : a) {
      const auto other = b.find(key);
      if (other == b.end() || !(other->second == value)) return false;
    }
    return true;
  }
  friend bool operator<(const OrderedMap& a, const OrderedMap& b) { return a.members_ < b.members_; }

 private:
  static constexpr size_t kWalked = 16;  // up to here walking is faster than hashing

  template <class K>
  static size_t hash_of(const K& key) {
    return std::hash<std::string_view>{}(std::string_view(key));
  }
  template <class K>
  size_t position(const K& key) const {
    const std::string_view name(key);
    if (!index_) {
      for (size_t i = 0; i < members_.size(); ++i) {
        if (members_[i].first == name) return i;
      }
      return members_.size();
    }
    const auto [first, last] = index_->equal_range(hash_of(key));
    for (auto it = first; it != last; ++it) {
      if (members_[it->second].first == name) return it->second;
    }
    return members_.size();
  }
  void added(size_t at) {
    if (index_)
      index_->emplace(hash_of(members_[at].first), at);
    else if (members_.size() > kWalked)
      rebuild();
  }
  void rebuild() {
    index_.reset();
    if (members_.size() <= kWalked) return;
    index_ = std::make_unique<std::unordered_multimap<size_t, size_t>>();
    for (size_t i = 0; i < members_.size(); ++i) index_->emplace(hash_of(members_[i].first), i);
  }

  Container members_;
  std::unique_ptr<std::unordered_multimap<size_t, size_t>> index_;  // hash of a name → its place; of large objects
};

}  // namespace steward
