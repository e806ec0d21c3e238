// Short words on what was done, which go by themselves and are read to those who do not see them.
import { Store, useStore } from "../store";

const said = new Store<{ id: number; text: string }[]>([]);
let next = 0;

export function say(text: string) {
  next += 1;
  const id = next;
  said.value = [...said.value, { id, text }];
  setTimeout(() => {
    said.value = said.value.filter((one) => one.id !== id);
  }, 5000);
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {useStore(said).map(({ id, text }) => (
        <p class="toast" key={id}>
          {text}
        </p>
      ))}
    </div>
  );
}
