// What a generation is called and where its pictures are.
import type { Generation } from "./client";

export const models = [
  ["stable-diffusion-xl", "Stable Diffusion XL"],
  ["stable-diffusion-v2", "Stable Diffusion 2"],
  ["dalle-3", "DALL·E 3"],
] as const satisfies readonly (readonly [Generation["model_type"], string])[];

export const sizes = ["256x256", "512x512", "1024x1024", "1024x1792", "1792x1024"] as const satisfies readonly Generation["image_size"][];

export const modelName = (type: Generation["model_type"]) => models.find(([key]) => key === type)?.[1] ?? type;

export function ratioOf(size: Generation["image_size"]): number {
  const [width = 1, height = 1] = size.split("x").map(Number);
  return width / height;
}

export const sizeText = (size: string) => size.replace("x", " × ");

/** Where the pictures are: what we keep, before what the provider keeps for a while. */
export const picturesOf = ({ blob_urls, result_urls }: Generation): string[] => (blob_urls.length > 0 ? blob_urls : result_urls);

/** The same, small, where there are small ones. */
export const thumbnailsOf = (generation: Generation): string[] => {
  const { thumbnail_urls } = generation;
  const pictures = picturesOf(generation);
  return thumbnail_urls.length === pictures.length ? thumbnail_urls : pictures;
};

export const providerText: Record<string, string> = { preview: "Preview", replicate: "Replicate", openai: "OpenAI" };

export const statusText: Record<Generation["status"], string> = {
  pending: "Waiting",
  processing: "Painting",
  completed: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
};

export const statusTone: Record<Generation["status"], string> = {
  pending: "active",
  processing: "active",
  completed: "good",
  failed: "bad",
  cancelled: "",
};
