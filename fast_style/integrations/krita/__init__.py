"""Add the docker "Fast Style" to Krita; Krita imports this module when the plug-in is enabled."""

from krita import DockWidgetFactory, DockWidgetFactoryBase, Krita

from .docker import StyleDocker

Krita.instance().addDockWidgetFactory(DockWidgetFactory("fast_style", DockWidgetFactoryBase.DockRight, StyleDocker))
