// How a message goes out: under an id made here, to the route or model that was chosen.
import { newId } from "../../../api/ids";
import { choiceOf } from "../data";

export function sendingTo(conversation: string, name: string) {
  return { id: newId("msg"), conversation, ...choiceOf(name) };
}
