// How large the database is, by collection, and what its indexes are used for.
import { useState } from "preact/hooks";
import { api, told, type Schemas } from "../client";
import { count, megabytes } from "../format";
import { useAsked } from "../hooks";
import { Bones, Button, Card, Empty, Figure, Head, Shown, Table, TileBones } from "../ui/parts";

type Collection = Schemas["CollectionStatistics"];

const sizeText = (size: number | null | undefined) => (size == null ? "–" : megabytes(size));
const countText = (value: number | null | undefined) => (value == null ? "–" : count(value));

const dialects: Record<string, string> = {
  localdb: "The embedded engine",
  mongodb: "MongoDB",
  "cosmos-ru": "Azure Cosmos DB (RU)",
  documentdb: "Azure DocumentDB",
};

export function Database() {
  const asked = useAsked(() => told(api.GET("/api/v1/admin/database")), []);
  return (
    <>
      <Head title="Database" about="How large it is, by collection.">
        <Button onClick={asked.again}>Ask again</Button>
      </Head>
      <div class="stack wide">
        <Shown
          asked={asked}
          bones={
            <>
              <TileBones />
              <div class="card">
                <Bones count={6} />
              </div>
            </>
          }
        >
          {(database) => (
            <>
              <dl class="tiles">
                <Figure name="Documents">{countText(database.documents)}</Figure>
                <Figure name="Data">{sizeText(database.data_mb)}</Figure>
                <Figure name="On disk">{sizeText(database.storage_mb)}</Figure>
                <Figure name="Indexes" aside={`${count(database.collections.reduce((sum, one) => sum + one.indexes.length, 0))} of them`}>
                  {sizeText(database.index_mb)}
                </Figure>
              </dl>
              {database.collections.length === 0 && <Empty title="No collections yet" />}
              {database.collections.length > 0 && <Collections collections={database.collections} />}
              <p class="quiet small">
                {dialects[database.dialect] ?? database.dialect}, database {database.database}, version {database.server_version}.
                {database.absent.length > 0 && ` It does not tell: ${database.absent.join(", ")}.`}
              </p>
            </>
          )}
        </Shown>
      </div>
    </>
  );
}

function Collections({ collections }: { collections: Collection[] }) {
  const counted = collections.some(({ indexes }) => indexes.some((index) => index.uses != null));
  return (
    <Card title="Collections">
      <Table
        name="Collections"
        bodies
        columns={["Collection", ...["Documents", "Data", "Indexes", ...(counted ? ["Uses"] : [])].map((name) => ({ name, right: true }))]}
      >
        {collections.map((collection) => (
          <OneCollection key={collection.name} collection={collection} counted={counted} />
        ))}
      </Table>
    </Card>
  );
}

function OneCollection({ collection, counted }: { collection: Collection; counted: boolean }) {
  const [open, setOpen] = useState(false);
  return (
    <tbody>
      <tr>
        <td>
          <button type="button" class="disclose" aria-expanded={open} aria-label={`${collection.name} and its ${collection.indexes.length} indexes`} onClick={() => setOpen(!open)}>
            {collection.name}
          </button>
        </td>
        <td class="right">{countText(collection.documents)}</td>
        <td class="right">{sizeText(collection.data_mb)}</td>
        <td class="right">
          {sizeText(collection.index_mb)} <span class="quiet">in {count(collection.indexes.length)}</span>
        </td>
        {counted && <td />}
      </tr>
      {open &&
        collection.indexes.map((index) => (
          <tr key={index.name} class="within">
            <td class="mono" colSpan={3}>
              {index.name}
            </td>
            <td class="right">{sizeText(index.size_mb)}</td>
            {counted && <td class="right">{countText(index.uses)}</td>}
          </tr>
        ))}
    </tbody>
  );
}
