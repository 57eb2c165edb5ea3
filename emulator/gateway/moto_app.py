"""moto's WSGI application. It raises its errors instead of answering them with a page of HTML."""

from typing import Any
from wsgiref.types import WSGIApplication

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app


def create_moto_app() -> WSGIApplication:
    """Return a fresh application for all services."""
    return DomainDispatcherApplication(_create_service_app)


def _create_service_app(service: Any) -> Any:
    app = create_backend_app(service)
    app.config["PROPAGATE_EXCEPTIONS"] = True
    return app
