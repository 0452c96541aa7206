// Words that stand in every text of a language, folded: by them a language is told, and they are in no index. Of
// English these are the 33 that Lucene leaves out. And the words by which a question asks. Inside memory only.
#pragma once
#include <algorithm>
#include <array>
#include <string_view>

namespace steward::memory {

// In the order of `Language`.
inline constexpr std::array<std::string_view, 8> kFunctionWords = {
    "a an and are as at be but by for if in into is it no not of on or such that the their then there these they this "
    "to was will with s t",
    "aber als am an auch auf aus bei bin bis bist da das dass dein dem den der des die dir doch du durch ein eine "
    "einem "
    "einen einer er es fur habe haben hat ich ihr im in ist ja mein meine mich mir mit nach nicht noch nur oder sehr "
    "sich sie sind so uber und uns von vor war was wenn wie wir wird zu zum zur",
    "a ai au aux avec c ce ces cette d dans de des du elle en est et etait eu il ils j je l la le les leur lui m ma "
    "mais me mes moi mon n ne nos nous on ou par pas plus pour qu que qui s sa se ses si son sont sur t ta te tes tu "
    "un "
    "une vous y",
    "a al como con cuando de del el ella en era es esta este fue ha hay he la las le les lo los mas me mi mis muy no "
    "nos o para pero por porque que se si sin sobre su sus tambien te tu un una y ya yo",
    "a ad al alla anche c che chi ci come con cosa da dal dei del della di e ed era gli ha ho i il in io l la le lo ma "
    "mi mia mio ne nel nella non o per piu quando questo se si sono su suo ti tu un una",
    "a ao aos as com como da das de do dos e ela ele em era essa este eu foi ha isso ja la lhe mais mas me meu minha "
    "muito na nao nas no nos o os ou para pela pelo por quando que se sem seu sua tambem te um uma voce",
    "aan als bij dan dat de den deze die dit door een en er ge had heb heeft het hij hoe ik in is je kan maar me met "
    "mijn naar niet nog nu of om onder ook op over te tot u uit uw van veel voor was wat we wel werd wie wij zal ze "
    "zij "
    "zijn zo zou",
    "alla att av blev den det detta din du dar efter eller en ett fran for ha hade han har hon i icke ingen inte jag "
    "kan kunde man med men mig min mitt mot mycket nar och om oss pa sa samma sig sin skall som till under upp ut var "
    "vi vid vara ar"};

// Folded; beside the languages' own function words.
inline bool is_asking_word(std::string_view word) {
  static constexpr std::array<std::string_view, 62> kWords = {
      "am",    "comment", "cual",  "cuando", "did",     "do",  "does",  "donde",  "had",   "has",   "have",
      "how",   "i",       "me",    "my",     "quand",   "que", "quel",  "quelle", "quien", "quoi",  "tell",
      "wann",  "warum",   "was",   "welche", "welcher", "wer", "were",  "what",   "when",  "where", "which",
      "who",   "whom",    "whose", "why",    "wie",     "wo",  "would", "you",    "your",  "about", "can",
      "could", "should",  "may",   "might",  "he",      "she", "his",   "her",    "him",   "them",  "we",
      "us",    "our",     "been",  "from",   "some",    "any", "so"};
  return std::ranges::find(kWords, word) != kWords.end();
}

// The same of Chinese, where no space parts them from the rest; the longer ones first.
inline constexpr std::array<std::string_view, 20> kChineseAsking = {
    "什么时候", "为什么", "怎么样", "有没有", "是不是", "哪一个", "什么", "怎么", "哪里", "哪儿",
    "哪个",     "哪些",   "多少",   "几个",   "谁的",   "请问",   "谁",   "吗",   "呢",   "吧"};

}  // namespace steward::memory
