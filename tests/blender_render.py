"""Render models in Blender, unlit, as seen from some sides: `blender -b --python tests/blender_render.py -- JOBS`.

JOBS is JSON: {"px": 400, "eyes": [[x, y, z], ...], "models": {"in.glb": ["out.png", ...]}, "data": ["in.glb", ...]}.
The textures of `data` are shown as they are, without filters. Blender's Python runs this file, not that of the tests.
"""

import json
import sys

import bpy  # type: ignore[import-not-found]
import mathutils  # type: ignore[import-not-found]
import numpy

# The importer of Blender 3.4 asks for it; Debian's NumPy has it no more.
vars(numpy).setdefault("bool", bool)


def load(path, is_data):  # type: ignore[no-untyped-def]
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=path)
    for material in bpy.data.materials:
        tree = material.node_tree
        texture = next(
            node for node in tree.nodes if node.type == "TEX_IMAGE" and node.image.colorspace_settings.name == "sRGB"
        )
        texture.interpolation = "Closest" if is_data else "Linear"
        output = next(node for node in tree.nodes if node.type == "OUTPUT_MATERIAL")
        light = tree.nodes.new("ShaderNodeEmission")
        tree.links.new(texture.outputs["Color"], light.inputs["Color"])
        tree.links.new(light.outputs[0], output.inputs["Surface"])


def render(eye, path, px, is_data):  # type: ignore[no-untyped-def]
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = 1 if is_data else 8
    scene.cycles.max_bounces = 0
    scene.cycles.use_denoising = False
    scene.cycles.pixel_filter_type = "BOX"
    scene.render.filter_size = 0.01 if is_data else 1.0
    scene.view_settings.view_transform = "Standard"
    scene.render.resolution_x = scene.render.resolution_y = px
    camera = bpy.data.cameras.new("camera")
    camera.type, camera.ortho_scale = "ORTHO", 2.6
    place = bpy.data.objects.new("camera", camera)
    scene.collection.objects.link(place)
    place.location, middle = eye, mathutils.Vector((0, 0, 0.6))
    place.rotation_euler = (middle - mathutils.Vector(eye)).to_track_quat("-Z", "Y").to_euler()
    scene.camera, scene.render.filepath = place, path
    bpy.ops.render.render(write_still=True)


jobs = json.loads(sys.argv[sys.argv.index("--") + 1])
for model, pictures in jobs["models"].items():
    load(model, model in jobs["data"])
    for eye, path in zip(jobs["eyes"], pictures, strict=True):
        render(eye, path, jobs["px"], model in jobs["data"])
