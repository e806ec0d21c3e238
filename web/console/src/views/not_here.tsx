import { link } from "../router";
import { Empty, Head } from "../ui/parts";

export function NotHere() {
  return (
    <>
      <Head title="Not here" />
      <Empty title="There is nothing at this address">
        <p>
          <a href={link()}>Back to the studio</a>
        </p>
      </Empty>
    </>
  );
}
